import { readdirSync, readFileSync } from "node:fs";
import { basename } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { commandLine, startTime } from "../../scripts/lib/alive.ts";
import { processesWith } from "../../scripts/lib/traces.ts";

type Role = "command" | "provider" | "language host" | "terminal" | "other";

export interface Process {
  readonly pid: number;
  readonly role: Role;
  readonly line: string;
}

/** Everything that a command has started and that still runs: what has the entry "NAME=value" in its environment. */
export function processesOf(mark: string): Process[] {
  return processesWith(mark)
    .map((pid) => ({ pid, role: roleOf(wordsOf(pid)), line: commandLine(pid) }))
    .filter(({ line }) => line !== "");
}

function wordsOf(pid: number): string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0");
  } catch {
    return [];
  }
}

function roleOf([program = "", ...words]: string[]): Role {
  const name = basename(program);
  if (name === "pulumi") return "command";
  if (name === "pulumi-language-nodejs") return "language host";
  if (name === "script") return "terminal";
  return words.some((word) => word.includes("dynamic-provider")) ? "provider" : "other";
}

/** Resolves when there is no such process any more. Rejects after a patience that no working program needs. */
export async function noneLeft(mark: string, which: (process: Process) => boolean, patienceMs: number): Promise<void> {
  const deadline = Date.now() + patienceMs;
  for (;;) {
    const left = processesOf(mark).filter(which);
    if (left.length === 0) return;
    if (Date.now() > deadline)
      throw new Error(`still running:\n${left.map(({ pid, line }) => `  ${pid} ${line}`).join("\n")}`);
    await sleep(100);
  }
}

/**
 * Resolves when these have ended with all their threads. One that is ending is out of `processesOf` before: it has no
 * environment any more, and its ports are still open, on a busy machine for a second and more. Rejects as `noneLeft`.
 */
export async function allOver(pids: readonly number[], patienceMs: number): Promise<void> {
  const deadline = Date.now() + patienceMs;
  while (!pids.every(isOver)) {
    if (Date.now() > deadline) throw new Error(`still running: ${pids.filter((pid) => !isOver(pid)).join(", ")}`);
    await sleep(20);
  }
}

function isOver(pid: number): boolean {
  try {
    return readdirSync(`/proc/${pid}/task`).every((thread) => startTime(Number(thread)) === undefined);
  } catch {
    return true;
  }
}

export function kill(pids: Iterable<number>, signal: NodeJS.Signals): void {
  for (const pid of pids) {
    try {
      process.kill(pid, signal);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
    }
  }
}
