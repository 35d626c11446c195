import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { createHash, randomUUID } from "node:crypto";
import { chmodSync, globSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { commandLine } from "./lib/alive.ts";
import type { Order } from "./lib/test-run.ts";
import { foldersInMemory, gitStatus, leftoversIn, newLines, processesWith } from "./lib/traces.ts";
import { projectDir } from "./lib/workspace.ts";
import { cacheDir, compileCacheDir, versions } from "./setup/paths.mjs";

const HELP = `Runs the tests: npm test, npm test -- test/cli, npm test -- --test-name-pattern=quote, npm run test:all.
Fails as well when a test changes the project or leaves a process, a mount or a file behind.
`;

interface Run {
  /** Options of Node's test runner. */
  options: string[];
  files: string[];
  everything: boolean;
  /** Its folder for temporary files. */
  folder: string;
  /** An environment entry, NAME=value, that every process of the run has. */
  entry: string;
}

async function main(words: string[]): Promise<number> {
  if (words.includes("--help")) {
    process.stdout.write(HELP);
    return 0;
  }
  const files = testFiles(words.filter((word) => !word.startsWith("--")));
  if (files.length === 0) {
    console.error("No test file fits. Name files, folders or patterns, like test/components or 'test/**/offers*'.");
    return 2;
  }
  const run: Run = {
    files,
    options: words.filter((word) => word.startsWith("--") && word !== "--all"),
    everything: words.includes("--all"),
    folder: mkdtempSync(join(tmpdir(), "vt-")), // short: paths of sockets have room for 108 bytes
    entry: `RUN_OF_TESTS=${randomUUID()}`,
  };
  chmodSync(run.folder, 0o711); // a test that gives up root must be able to reach its own folder in there
  const before = gitStatus();
  const { code, interrupted } = await ended(start(run));
  const left = await clearUp(run);
  if (interrupted) return 130;
  const traces = [...newLines(before, gitStatus()).map((line) => `git status: ${line}`), ...left];
  if (traces.length === 0) return code;
  console.error(`\nThe tests left something behind:\n${traces.map((line) => `  ${line}`).join("\n")}`);
  return code === 0 ? 1 : code;
}

function testFiles(names: string[]): string[] {
  const patterns = names.length === 0 ? ["test/**/*.test.ts"] : names.map(patternOf);
  const files = globSync(patterns, { cwd: projectDir });
  return files.sort((one, other) => rankOf(one) - rankOf(other) || (shuffled(one) < shuffled(other) ? -1 : 1));
}

/** These begin first, so that no processor idles while the last of them ends. With --all two take longer than the rest. */
const LONGEST = ["enumeration/enum", "kills/kills", "e2e/repo", "e2e/life", "remote/guard", "machine/life"];

function rankOf(file: string): number {
  return LONGEST.findIndex((part) => file.includes(part)) >>> 0;
}

/** The tests of one folder are alike: they all compute, or all wait. Mixed, some compute while others wait. */
function shuffled(file: string): string {
  return createHash("sha256").update(file).digest("hex");
}

function patternOf(name: string): string {
  const isFolder = statSync(join(projectDir, name), { throwIfNoEntry: false })?.isDirectory();
  return isFolder ? join(name, "**", "*.test.ts") : name;
}

/** A test that hangs fails after this. */
const TIMEOUT_MS = 300_000;

/** Starts the tests in a process group of their own: ^C reaches only us, and we end the whole group. */
function start({ options, files, everything, folder, entry }: Run): ChildProcess {
  const [mark, value] = entry.split("=") as [string, string];
  const all = everything ? { VAST_TRAINING_TEST_ALL: "1" } : {};
  // Tests need uv, and a fresh machine has it only here.
  const path = [...pythonFolder(), process.env.PATH, join(cacheDir(), "uv", versions.uv)].join(":");
  const speed = { NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE || compileCacheDir() };
  // Five more than processors: most tests wait longer than they compute.
  const order: Order = { files, options, concurrency: availableParallelism() + 5, timeout: TIMEOUT_MS };
  return spawn(process.execPath, [join(import.meta.dirname, "lib", "test-run.ts"), JSON.stringify(order)], {
    cwd: projectDir,
    env: { ...process.env, PATH: path, ...speed, ...all, TMPDIR: folder, [mark]: value },
    detached: true,
    stdio: ["ignore", "inherit", "inherit"],
  });
}

/** The folder of python3 itself, where PATH has only a script in its place: pyenv's starts 25 programs each time. */
function pythonFolder(): string[] {
  const words = ["-c", "import os, sys; print(os.path.dirname(sys.executable))"];
  const folder = execFileSync("python3", words, { encoding: "utf8" }).trim();
  return process.env.PATH?.split(":").includes(folder) ? [] : [folder];
}

function ended(child: ChildProcess): Promise<{ code: number; interrupted: boolean }> {
  let interrupted = false;
  const pass = (name: NodeJS.Signals) => {
    if (child.pid !== undefined) signalIfThere(-child.pid, name);
  };
  for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.once(name, () => {
      interrupted = true;
      pass("SIGTERM");
      setTimeout(() => pass("SIGKILL"), 10_000).unref();
    });
  }
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => resolve({ code: code ?? 1, interrupted }));
  });
}

function signalIfThere(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

/** Waits up to ten seconds for the run's processes to end, then ends, removes and names what is left. */
async function clearUp({ folder, entry }: Run): Promise<string[]> {
  for (let tries = 0; tries < 100 && processesWith(entry, folder).length > 0; tries++) await sleep(100);
  const processes = processesWith(entry, folder).map((pid) => {
    const line = `process ${pid} ${commandLine(pid)}`;
    signalIfThere(pid, "SIGKILL");
    return line;
  });
  const traces = leftoversIn(folder);
  const folders = [folder, ...foldersInMemory(folder)];
  if (!traces.some((trace) => trace.startsWith("mount")))
    for (const place of folders) rmSync(place, { recursive: true, force: true });
  return [...processes, ...traces];
}

process.exitCode = await main(process.argv.slice(2));
