import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { mountsBelow } from "./mounts.ts";
import { projectDir } from "./workspace.ts";

/** `git status` of the project; empty where it is not a clone. */
export function gitStatus(): string {
  try {
    return execFileSync("git", ["-C", projectDir, "status", "--porcelain"], { encoding: "utf8", stdio: "pipe" });
  } catch {
    return "";
  }
}

/** Lines of `after` that are not in `before`. */
export function newLines(before: string, after: string): string[] {
  const known = new Set(before.split("\n"));
  return after.split("\n").filter((line) => line !== "" && !known.has(line));
}

/** Pulumi's language host, ts-node and Node themselves leave these in the folder for temporary files. */
const notOurs = /^(pulumi-node-pipes|ts-node-|node-compile-cache)/;

/** Names of what is left in a run's own folder for temporary files, and of what is left for it in memory. */
export function leftoversIn(folder: string): string[] {
  const mounts = mountsBelow(folder).map((point) => `mount ${point}`);
  const files = readdirSync(folder).filter((name) => !notOurs.test(name));
  const all = [...files.map((name) => join(folder, name)), ...foldersInMemory(folder)];
  return [...mounts, ...all.map((file) => `file ${file}`)];
}

const MEMORY = "/dev/shm";

/** Makes a folder in memory where that can be had, else below the run's own folder. Whoever makes it removes it. */
export function folderInMemory(folder: string): string {
  return mkdtempSync(existsSync(MEMORY) ? join(MEMORY, `${basename(folder)}-`) : join(folder, "memory-"));
}

/** What a run has made in memory, and has not removed. */
export function foldersInMemory(folder: string): string[] {
  const prefix = `${basename(folder)}-`;
  return listIfThere(MEMORY).flatMap((name) => (name.startsWith(prefix) ? [join(MEMORY, name)] : []));
}

/**
 * Ids of living processes whose environment has the entry "NAME=value", or whose command line names the folder: a test may
 * start something in an environment of its own. Empty where there is no /proc.
 */
export function processesWith(entry: string, folder?: string): number[] {
  const pids = listIfThere("/proc")
    .map(Number)
    .filter((pid) => pid > 0 && pid !== process.pid);
  const isNamed = (pid: number) => folder !== undefined && readIfThere(`/proc/${pid}/cmdline`).includes(`${folder}/`);
  return pids.filter((pid) => readIfThere(`/proc/${pid}/environ`).split("\0").includes(entry) || isNamed(pid));
}

function listIfThere(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function readIfThere(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return ""; // the process has ended, or belongs to somebody else
  }
}
