import { execFile, execFileSync } from "node:child_process";
import {
  chownSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { homedir, tmpdir, userInfo } from "node:os";
import { dirname, join } from "node:path";
import type { TestContext } from "node:test";
import { projectDir } from "../../../scripts/lib/workspace.ts";

export interface Ended {
  code: number;
  stdout: string;
  stderr: string;
}

/** A clone of the project with its own HOME, caches and node_modules, used by a user without root. */
export interface Clone {
  readonly dir: string;
  readonly home: string;
  /** Runs a command as that user. Its environment is small: what a login has. */
  run(file: string, args: readonly string[], env?: NodeJS.ProcessEnv): Promise<Ended>;
}

const nobody = 65534;
const isRoot = userInfo().uid === 0;
const copied =
  /^(Pulumi(\..+)?\.yaml|package(-lock)?\.json|index\.ts|components|cli|scripts|simulator|\.git(ignore|attributes))$/;

export const noUnprivileged = isRoot && !existsSync("/usr/bin/setpriv") ? "needs setpriv" : false;

export function openClone(t: TestContext): Clone {
  const root = realpathSync(mkdtempSync(join(tmpdir(), "vast-clone-")));
  t.after(() => rmSync(root, { recursive: true, force: true }));
  const dir = join(root, "vast-training");
  const home = join(root, "home");
  for (const folder of [dir, home]) mkdirSync(folder);
  for (const name of readdirSync(projectDir).filter((entry) => copied.test(entry))) {
    cpSync(join(projectDir, name), join(dir, name), { recursive: true });
    if (/^Pulumi\..+\.yaml$/.test(name)) dropSalt(join(dir, name));
  }
  copyTree(join(projectDir, "node_modules"), join(dir, "node_modules"));
  removeTraces(join(dir, "node_modules"));
  shareCli(join(home, ".cache", "vast-training", "pulumi", cliVersion()));
  if (isRoot) giveAway(root);
  const run: Clone["run"] = (file, args, env = {}) => {
    const words = isRoot
      ? ["--reuid", `${nobody}`, "--regid", `${nobody}`, "--clear-groups", "--", file, ...args]
      : args;
    const all = { HOME: home, PULUMI_HOME: join(home, ".pulumi"), PATH: plainPath(), LANG: "C.UTF-8", ...env };
    return end(isRoot ? "setpriv" : file, words, { cwd: dir, env: all });
  };
  return { dir, home, run };
}

/** The developer's own: git does not see it, so it may be there. */
function dropSalt(file: string): void {
  writeFileSync(file, readFileSync(file, "utf8").replace(/^encryptionsalt:.*\n?/m, ""));
}

/** What the tests' own node_modules/.bin would add to PATH is what set-up has to bring. */
function plainPath(): string {
  const folders = (process.env.PATH ?? "").split(":").filter((folder) => !folder.includes("node_modules"));
  const readable = isRoot ? folders.filter((folder) => !folder.startsWith(homedir())) : folders;
  return readable.join(":");
}

function end(file: string, args: readonly string[], options: { cwd: string; env: NodeJS.ProcessEnv }): Promise<Ended> {
  return new Promise((resolve) => {
    execFile(file, args, options, (error, stdout, stderr) => {
      const code = typeof error?.code === "number" ? error.code : error ? -1 : 0;
      resolve({ code, stdout, stderr });
    });
  });
}

/** Hard links where the file system allows it: nothing in there is written in place. */
function copyTree(from: string, to: string): void {
  mkdirSync(dirname(to), { recursive: true });
  try {
    execFileSync("cp", ["-al", from, to], { stdio: "pipe" });
  } catch {
    rmSync(to, { recursive: true, force: true });
    execFileSync("cp", ["-a", from, to]);
  }
}

/** The links and notes of an earlier set-up. */
function removeTraces(modules: string): void {
  for (const name of [".vast-training-lock", ".vast-training-pulumi.json"])
    rmSync(join(modules, name), { force: true });
  for (const name of ["pulumi", "vast-run", "pulumi-resource-command", "pulumi-resource-docker"]) {
    rmSync(join(modules, ".bin", name), { force: true });
  }
}

/** The CLI that this project uses, as if it had been built for that user before. */
function shareCli(folder: string): void {
  copyTree(dirname(realpathSync(join(projectDir, "node_modules", ".bin", "pulumi"))), folder);
}

function cliVersion(): string {
  const manifest = JSON.parse(readFileSync(join(projectDir, "package.json"), "utf8"));
  return manifest.devDependencies.pulumi;
}

/** Folders only: a hard link's owner is the original's. */
function giveAway(root: string): void {
  chownSync(root, nobody, nobody);
  for (const name of readdirSync(root)) {
    const path = join(root, name);
    if (lstatSync(path).isDirectory()) giveAway(path);
    else if (lstatSync(path).nlink === 1 && lstatSync(path).isFile()) chownSync(path, nobody, nobody);
  }
}
