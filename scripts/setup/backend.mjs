import { randomBytes } from "node:crypto";
import {
  chmodSync,
  copyFileSync,
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readJson } from "./files.mjs";
import { binDir, projectDir, pulumiHome, shown, stateDir } from "./paths.mjs";
import { run, tail } from "./run.mjs";
import { Stop } from "./stop.mjs";

/**
 * Where Pulumi keeps state for a user who has no login: variables for the shell, and a note for the user. A login
 * that exists, in whatever way, is left alone.
 */
export async function localBackend(env = process.env) {
  const folder = join(stateDir(), "backend");
  const url = `file://${folder}`;
  const login = ownLogin(env, url);
  if (login) return { variables: {}, note: `Your own Pulumi login is used (${login}).` };
  privateFolder(stateDir());
  privateFolder(folder);
  const variables = { PULUMI_BACKEND_URL: url, ...passphrase(env) };
  const made = await makeStacks(folder, { ...env, ...variables, PULUMI_SKIP_UPDATE_CHECK: "true" });
  const news = made.length === 0 ? "" : ` New stacks: ${made.join(", ")}.`;
  return { variables, note: `You have no Pulumi login, so state is kept in ${shown(folder)}.${news}` };
}

/** How the user has logged in; undefined when not at all. */
function ownLogin(env, ours) {
  if (env.PULUMI_BACKEND_URL && env.PULUMI_BACKEND_URL !== ours) return "PULUMI_BACKEND_URL";
  if (env.PULUMI_ACCESS_TOKEN) return "PULUMI_ACCESS_TOKEN";
  const file = join(pulumiHome(), "credentials.json");
  const current = readJson(file)?.current;
  return current && current !== ours ? `${current}, in ${shown(file)}` : undefined;
}

function privateFolder(folder) {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  chmodSync(folder, 0o700);
}

/** Made once, at random; secrets in the state are encrypted with it. */
function passphrase(env) {
  const file = join(stateDir(), "passphrase");
  if (env.PULUMI_CONFIG_PASSPHRASE !== undefined) return {};
  if (env.PULUMI_CONFIG_PASSPHRASE_FILE && env.PULUMI_CONFIG_PASSPHRASE_FILE !== file) return {};
  if (!existsSync(file)) createOnce(file, `${randomBytes(32).toString("base64")}\n`);
  return { PULUMI_CONFIG_PASSPHRASE_FILE: file };
}

/** Whole and private from the start, and the first of two that race wins. */
function createOnce(file, text) {
  const fresh = `${file}.${process.pid}`;
  writeFileSync(fresh, text, { mode: 0o600, flag: "wx" });
  try {
    linkSync(fresh, file);
  } catch (error) {
    if (error.code !== "EEXIST") throw error;
  } finally {
    rmSync(fresh, { force: true });
  }
}

/** The stacks of the project's Pulumi.<stack>.yaml, where the backend does not know them yet. */
async function makeStacks(backend, env) {
  const { project, stacks } = declaredStacks();
  const known = (stack) => existsSync(join(backend, ".pulumi", "stacks", project, `${stack}.json`));
  const missing = stacks.filter((stack) => !known(stack));
  for (const stack of missing) {
    const { code, output } = await initStack(stack, env);
    if (code !== 0 && !known(stack)) throw new Stop(`The stack ${stack} could not be made:\n${tail(output)}`);
  }
  if (missing.includes(usual)) await selectIfNoneIs(usual, env);
  return missing;
}

/** vast-run asks about the selected stack, unless it is told another. */
const usual = "dev";

async function selectIfNoneIs(stack, env) {
  const options = { cwd: projectDir, env, timeoutSeconds: 60 };
  const pulumi = (...words) => run(join(binDir, "pulumi"), ["stack", ...words, "--non-interactive"], options);
  const { code } = await pulumi("--show-name");
  if (code !== 0) await pulumi("select", stack);
}

function declaredStacks() {
  const files = readdirSync(projectDir);
  const stacks = files.map((name) => /^Pulumi\.(.+)\.yaml$/.exec(name)?.[1]).filter((stack) => stack !== undefined);
  const yaml = files.includes("Pulumi.yaml") ? readFileSync(join(projectDir, "Pulumi.yaml"), "utf8") : "";
  const project = /^name: *["']?([\w.-]+)/m.exec(yaml)?.[1];
  return { project, stacks: project ? stacks : [] };
}

/** In a folder that holds only the project's Pulumi.yaml, because Pulumi writes into the stack's file. */
async function initStack(stack, env) {
  const folder = mkdtempSync(join(tmpdir(), "vast-stack-"));
  try {
    copyFileSync(join(projectDir, "Pulumi.yaml"), join(folder, "Pulumi.yaml"));
    const words = ["stack", "init", stack, "--no-select", "--non-interactive"];
    return await run(join(binDir, "pulumi"), words, { cwd: folder, env, timeoutSeconds: 60 });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
