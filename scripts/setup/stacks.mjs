import { createHash } from "node:crypto";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readJson } from "./files.mjs";
import { forgetSalts } from "./git-filter.mjs";
import { binDir, fileBackend, projectDir, pulumiHome } from "./paths.mjs";
import { run, tail } from "./run.mjs";
import { Stop } from "./stop.mjs";

/** The stack to select: vast-run uses the selected one unless told another. */
const usual = "dev";

/**
 * Makes the stacks of the project's Pulumi.<stack>.yaml that the backend does not have yet, and writes into each file
 * the salt that Pulumi would write at first use. Selects one where the clone has none selected. Answers with the names of
 * the new stacks.
 */
export async function makeStacks(backend, env) {
  const { project, stacks } = declaredStacks();
  const known = (stack) => existsSync(join(backend, ".pulumi", "stacks", project, `${stack}.json`));
  const made = stacks.filter((stack) => !known(stack));
  for (const stack of stacks) {
    if (made.includes(stack)) writeSalt(stack, await initStack(stack, env, known));
    else if (!hasSalt(stack)) writeSalt(stack, await initElsewhere(stack, env));
  }
  await forgetSalts(stacks.map(fileOf));
  const { now, before } = selectionOf(project, env);
  const wanted = stacks.includes(before) ? before : usual;
  if (now === undefined && stacks.includes(wanted)) await selectIfNoneIs(wanted, env);
  return made;
}

function declaredStacks() {
  const files = readdirSync(projectDir);
  const stacks = files.map((name) => /^Pulumi\.(.+)\.yaml$/.exec(name)?.[1]).filter((stack) => stack !== undefined);
  const yaml = files.includes("Pulumi.yaml") ? readFileSync(join(projectDir, "Pulumi.yaml"), "utf8") : "";
  const project = /^name: *["']?([\w.-]+)/m.exec(yaml)?.[1];
  return { project, stacks: project ? stacks : [] };
}

const fileOf = (stack) => `Pulumi.${stack}.yaml`;

function hasSalt(stack) {
  return /^encryptionsalt:/m.test(readFileSync(join(projectDir, fileOf(stack)), "utf8"));
}

/** A salt beside secrets belongs to them and stays. */
function writeSalt(stack, salt) {
  const file = join(projectDir, fileOf(stack));
  const text = readFileSync(file, "utf8");
  if (!salt || /secure:/.test(text)) return;
  const rest = text.replace(/^encryptionsalt:.*\n?/m, "");
  // In one step: another shell may be reading it.
  const draft = `${file}.${process.pid}`;
  writeFileSync(draft, `${rest}${rest.endsWith("\n") ? "" : "\n"}${salt}\n`);
  renameSync(draft, file);
}

/** Runs beside nothing but Pulumi.yaml. Answers with the salt's line; undefined = another process was first. */
async function initStack(stack, env, known = () => false) {
  const folder = mkdtempSync(join(tmpdir(), "vast-stack-"));
  try {
    copyFileSync(join(projectDir, "Pulumi.yaml"), join(folder, "Pulumi.yaml"));
    const words = ["stack", "init", stack, "--no-select", "--non-interactive"];
    // Another shell that prepares the same new backend may be in the way for a moment.
    for (let attempt = 1; ; attempt++) {
      const { code, output } = await run(join(binDir, "pulumi"), words, { cwd: folder, env, timeoutSeconds: 60 });
      if (code === 0) return /^encryptionsalt:.*$/m.exec(readFileSync(join(folder, fileOf(stack)), "utf8"))?.[0];
      if (known(stack)) return undefined;
      if (attempt === 3) throw new Stop(`The stack ${stack} could not be made:\n${tail(output)}`);
      await new Promise((done) => setTimeout(done, 200 * attempt));
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** For another clone of the same user: the stack is there, the clone's file has no salt yet. */
async function initElsewhere(stack, env) {
  const folder = mkdtempSync(join(tmpdir(), "vast-backend-"));
  try {
    mkdirSync(join(folder, "backend"));
    return await initStack(stack, { ...env, PULUMI_BACKEND_URL: fileBackend(join(folder, "backend")) });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/**
 * The stack that is selected now, and before the URL of the backend had options. Pulumi notes it for each folder, by this
 * name: of its path as the shell has it, which may lead through links; and for each URL. A clone that was moved or is
 * new has no note.
 */
function selectionOf(project, { PWD: typed = "", PULUMI_BACKEND_URL: url }) {
  const folder = realpath(typed) === projectDir ? typed : projectDir;
  const path = createHash("sha1").update(join(folder, "Pulumi.yaml")).digest("hex");
  const noted = readJson(join(pulumiHome(), "workspaces", `${project}-${path}-workspace.json`))?.stacks ?? {};
  const nameAt = (place) => noted[place]?.split("/").pop();
  return { now: nameAt(url), before: nameAt(url.split("?")[0]) };
}

function realpath(folder) {
  try {
    return realpathSync(folder);
  } catch {
    return undefined;
  }
}

async function selectIfNoneIs(stack, env) {
  const options = { cwd: projectDir, env, timeoutSeconds: 60 };
  const pulumi = (...words) => run(join(binDir, "pulumi"), ["stack", ...words, "--non-interactive"], options);
  const { code } = await pulumi("--show-name");
  if (code !== 0) await pulumi("select", stack);
}
