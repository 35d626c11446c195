/**
 * Runs the tests: `npm test`, `npm test -- test/cli`, `npm test -- --test-name-pattern=quote`, `npm run test:all`.
 * Fails as well when a test changes the project or leaves a process, a mount or a file behind.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { globSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { commandLine } from "./lib/alive.ts";
import { gitStatus, newLines, processesWith, tracesIn } from "./lib/traces.ts";
import { projectDir } from "./lib/workspace.ts";

const words = process.argv.slice(2);
const everything = words.includes("--all");
const options = words.filter((word) => word.startsWith("--") && word !== "--all");
const files = testFiles(words.filter((word) => !word.startsWith("--")));
if (files.length === 0) {
  console.error("No test file fits. Name files, folders or patterns, like test/components or 'test/**/offers*'.");
  process.exit(2);
}

const before = gitStatus();
const folder = mkdtempSync(join(tmpdir(), "vt-")); // short: paths of sockets have room for 108 bytes
const mark = randomUUID();
const child = start();
const code = await ended(child);
const traces = [...newLines(before, gitStatus()).map((line) => `git status: ${line}`), ...(await leftBehind())];
if (traces.length > 0)
  console.error(`\nThe tests left something behind:\n${traces.map((line) => `  ${line}`).join("\n")}`);
process.exitCode = code !== 0 ? code : traces.length > 0 ? 1 : 0;

function testFiles(names: string[]): string[] {
  const patterns = names.length === 0 ? ["test/**/*.test.ts"] : names.map(patternOf);
  return globSync(patterns, { cwd: projectDir }).sort();
}

function patternOf(name: string): string {
  const isFolder = statSync(join(projectDir, name), { throwIfNoEntry: false })?.isDirectory();
  return isFolder ? join(name, "**", "*.test.ts") : name;
}

/** In a process group of its own, so that ^C reaches us first and ends all of it. */
function start(): ChildProcess {
  const concurrency = `--test-concurrency=${Math.max(2, availableParallelism())}`;
  const reporter = "--test-reporter=spec";
  return spawn(process.execPath, ["--test", concurrency, reporter, ...options, ...files], {
    cwd: projectDir,
    env: {
      ...process.env,
      TMPDIR: folder,
      RUN_OF_TESTS: mark,
      ...(everything ? { VAST_TRAINING_TEST_ALL: "1" } : {}),
    },
    detached: true,
    stdio: ["ignore", "inherit", "inherit"],
  });
}

function ended(child: ChildProcess): Promise<number> {
  const pass = (name: NodeJS.Signals) => {
    if (child.pid !== undefined) signalIfThere(-child.pid, name);
  };
  for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.once(name, () => {
      pass("SIGTERM");
      setTimeout(() => pass("SIGKILL"), 10_000).unref();
    });
  }
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => resolve(code ?? 130));
  });
}

function signalIfThere(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

/** Processes get a moment to end; what is still there then is left behind, and ended here. */
async function leftBehind(): Promise<string[]> {
  const entry = `RUN_OF_TESTS=${mark}`;
  for (let tries = 0; tries < 20 && processesWith(entry).length > 0; tries++) await sleep(100);
  const processes = processesWith(entry).map((pid) => {
    const line = `process ${pid} ${commandLine(pid)}`;
    signalIfThere(pid, "SIGKILL");
    return line;
  });
  const traces = tracesIn(folder);
  if (!traces.some((trace) => trace.startsWith("mount"))) rmSync(folder, { recursive: true, force: true });
  return [...processes, ...traces];
}
