import { readdirSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { readJson } from "./files.mjs";

/**
 * The stacks of this project whose lock was left by a command that has ended: one that was killed, or whose terminal was
 * closed. Only those in a backend of files, and of commands of this machine. `vast-run recover` judges more closely
 * (cli/recover/lock.ts).
 *
 * @param url of the backend
 */
export function leftLocks(url, project) {
  const [, folder] = /^file:\/\/(\/[^?]*)/.exec(url || "") || [];
  if (folder === undefined) return [];
  const locks = join(folder, ".pulumi", "locks", "organization", project);
  return namesIn(locks).filter((stack) => namesIn(join(locks, stack)).some((name) => isLeft(join(locks, stack, name))));
}

function isLeft(file) {
  const { pid, hostname: host } = readJson(file) || {};
  return Number.isInteger(pid) && host === hostname() && !isAlive(pid);
}

function isAlive(pid) {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return error.code === "EPERM";
  }
}

function namesIn(folder) {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
