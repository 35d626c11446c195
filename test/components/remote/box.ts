import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import {
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { text } from "node:stream/consumers";
import type { TestContext } from "node:test";
import type { Guard, TrainStep } from "../../../components/remote/scripts.ts";
import { startTime } from "../../../scripts/lib/alive.ts";

export interface Outcome {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** What a step is told about the bill: nothing happens within a test unless it says so. */
export const GUARD: Guard = {
  apiUrl: "http://127.0.0.1:9",
  afterTraining: "stop",
  afterTrainingMinutes: 15,
  maxHours: 48,
  stopGraceSeconds: 60,
  pricePerHour: 2.4,
  diskPerHour: 0.021,
  stack: "local",
};

/** What a training is, when it does not matter. */
export const TRAINING = {
  commit: "a".repeat(40),
  command: "exit 0",
  run: "",
  env: {},
  gpus: 2,
  checkpointsDir: "/nowhere",
  wandbProject: "project",
};

/** A training in a box, whose code is an empty folder. */
export function stepOf(box: Box, command: string, more: Partial<TrainStep> = {}): TrainStep {
  mkdirSync(join(box.workspace, "repo"), { recursive: true });
  const checkpointsDir = join(box.workspace, "checkpoints");
  const own = { workspace: box.workspace, repo: "https://example.org/me/repo", command, checkpointsDir };
  return { ...GUARD, ...TRAINING, ...own, ...more };
}

/**
 * Shell before a step whose training ends: the step waits for that end, and does not take it for a training that goes on
 * because the machine is busy.
 */
export const ENDS = "WATCH_SECONDS=60 LEFT_SECONDS=60";

/** Fails with what it says when it is not done within so many looks, twenty a second; by default half a minute. */
export async function until(done: () => boolean, what: () => string, most = 600): Promise<void> {
  for (let looks = 0; !done(); looks++) {
    assert.ok(looks < most, what());
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** A machine that is a few folders: its own workspace, home and tmux. */
export interface Box {
  readonly root: string;
  readonly workspace: string;
  readonly home: string;
  run(script: string): Promise<Outcome>;
  /** Content of a file below the workspace; "" when there is none. */
  read(name: string): string;
  write(path: string, content: string): void;
}

/**
 * Everything that was started in it has ended, and it is gone, when the test ends.
 *
 * @param disk size of a disk of its own for the workspace, as tmpfs takes it, which only root can mount
 */
export function openBox(t: TestContext, disk?: string): Box {
  const root = mkdtempSync(join(tmpdir(), "box-"));
  const [workspace, home, tmux] = ["workspace", "home", "tmux"].map((name) => join(root, name)) as [
    string,
    string,
    string,
  ];
  for (const folder of [workspace, home, tmux]) mkdirSync(folder, { mode: 0o700 });
  if (disk !== undefined) execFileSync("mount", ["-t", "tmpfs", "-o", `size=${disk}`, "tmpfs", workspace]);
  const { TMUX: _, ...inherited } = process.env;
  const env = { ...inherited, HOME: home, TMPDIR: tmux, TMUX_TMPDIR: tmux };
  t.after(() => {
    endAll(root);
    // What was killed a moment ago may still stand in it.
    if (disk !== undefined) execFileSync("umount", ["--lazy", workspace]);
    rmSync(root, { recursive: true, force: true });
  });
  return {
    root,
    workspace,
    home,
    run: async (script) => {
      const child = spawn("bash", ["-s"], { env, cwd: home });
      const closed = once(child, "close");
      child.stdin.on("error", () => {}); // it may end without reading all
      child.stdin.end(script);
      const [out, err, [code]] = await Promise.all([text(child.stdout), text(child.stderr), closed]);
      return { code, out, err };
    },
    read: (name) => (existsSync(join(workspace, name)) ? readFileSync(join(workspace, name), "utf8") : ""),
    write: (path, content) => {
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, content);
    },
  };
}

/** Kills at once whatever has something of this folder: nothing of it sees another end, or starts another. */
export function endAll(root: string): void {
  // Who is not halted yet may just start somebody, or wake somebody up.
  for (let looks = 0; looks < 500 && processesOf(root).filter(halt).length > 0; looks++) pause(2);
  // The youngest first: the end of tmux or of a shell wakes up what it has started.
  const age = (pid: number) => Number(startTime(pid) ?? 0);
  for (const pid of processesOf(root).sort((one, other) => age(other) - age(one) || other - one)) killNow(pid);
}

/** Halts a process; false when it is halted already, or has ended. */
function halt(pid: number): boolean {
  const state = stateOf(pid);
  if (state === "" || "TtZX".includes(state)) return false;
  try {
    return process.kill(pid, "SIGSTOP");
  } catch {
    return false; // it has ended
  }
}

/** The letter of /proc/PID/stat; "" = it is not there. */
function stateOf(pid: number): string {
  const stat = textIn(`/proc/${pid}/stat`);
  return stat.charAt(stat.lastIndexOf(")") + 2);
}

/**
 * Every process but this one with a path below this folder in its arguments or its environment, as the place where it
 * stands, or open. One of these outlives a fork and an exec, so that a process is found that has only just begun.
 */
function processesOf(root: string): number[] {
  const isOf = (pid: number) =>
    [`/proc/${pid}/cmdline`, `/proc/${pid}/environ`].some((file) => textIn(file).includes(`${root}/`)) ||
    [`/proc/${pid}/cwd`, ...namesIn(`/proc/${pid}/fd`).map((fd) => `/proc/${pid}/fd/${fd}`)].some((link) =>
      `${endOf(link)}/`.startsWith(`${root}/`),
    );
  return namesIn("/proc")
    .map(Number)
    .filter((pid) => pid > 0 && pid !== process.pid && isOf(pid));
}

/** What may have ended meanwhile has no text, no names and no target. */
const textIn = (file: string) => orElse("", () => readFileSync(file, "utf8"));
const namesIn = (folder: string) => orElse([], () => readdirSync(folder));
const endOf = (link: string) => orElse("", () => readlinkSync(link));

function orElse<T>(instead: T, look: () => T): T {
  try {
    return look();
  } catch {
    return instead;
  }
}

/** Every guard and watcher, and what one of them has just started: they read the library from their standard input. */
export function watchersOf(workspace: string): number[] {
  const library = join(workspace, ".vast-training/guard.sh");
  return globSync("/proc/[0-9]*/fd/0")
    .filter((file) => endOf(file).startsWith(library))
    .map((file) => Number(file.split("/")[2]));
}

/** Every process with this training's id in its environment. */
export function carriersOf(id: string): number[] {
  return globSync("/proc/[0-9]*/environ")
    .filter((file) => textIn(file).split("\0").includes(`TRAINING_ID=${id}`))
    .map((file) => Number(file.split("/")[2]));
}

/** Kills a process, or with a negative number a group; a process is gone then. One that has ended is left alone. */
export function killNow(pid: number): void {
  if (pid === 0) return; // that would be ourselves
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // it has ended
  }
  // On a busy machine it is still seen for a while.
  for (let looks = 0; pid > 0 && looks < 1000 && startTime(pid) !== undefined; looks++) pause(2);
}

function pause(milliseconds: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds);
}

/** Resolves when a training has ended by itself: its exit code is there, and nothing of it runs any more. */
export async function ended({ read }: Box): Promise<void> {
  const isOver = () =>
    read("train.exit") !== "" && startTime(Number(read(".vast-training/train.pid").split(" ")[0])) === undefined;
  await until(isOver, () => `training has not ended:\n${read("train.log")}`);
}

/** A bare repository with one commit for each set of files; answers with the commits, oldest first. */
export function makeRepository(bare: string, branch: string, ...commits: Record<string, string>[]): string[] {
  const tree = `${bare}.tree`;
  const git = (...args: string[]) => execFileSync("git", ["-C", tree, ...args], { encoding: "utf8" }).trim();
  mkdirSync(tree, { recursive: true });
  if (!existsSync(join(tree, ".git"))) git("init", "-q", "-b", branch);
  const made = commits.map((files) => {
    for (const [name, content] of Object.entries(files)) {
      mkdirSync(dirname(join(tree, name)), { recursive: true });
      writeFileSync(join(tree, name), content);
    }
    git("add", "-A");
    git("-c", "user.name=x", "-c", "user.email=x@example.org", "commit", "-q", "--allow-empty", "-m", "x");
    return git("rev-parse", "HEAD");
  });
  if (!existsSync(bare)) execFileSync("git", ["clone", "-q", "--bare", tree, bare], { stdio: "ignore" });
  else git("push", "-q", "--force", bare, `HEAD:refs/heads/${branch}`);
  return made;
}
