import { accessSync, constants, statSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, isAbsolute, join, resolve } from "node:path";

/** A path on the machine, without blanks and "..". */
export const ABSOLUTE = /^(\/(?!\.\.?(\/|$))[\w.+-]+)+$/;

/** An absolute path: `~/` is the home directory, anything relative starts at `cwd`. */
export function absolute(path: string, env: NodeJS.ProcessEnv = process.env, cwd: string = process.cwd()): string {
  return resolve(cwd, isAtHome(path) ? join(env.HOME || homedir(), path.slice(1)) : path);
}

/** Does a path start at the folder of the program? */
export function isRelative(path: string): boolean {
  return !isAbsolute(path) && !isAtHome(path);
}

function isAtHome(path: string): boolean {
  return path === "~" || path.startsWith("~/");
}

/** Why there is no folder to list and read, or undefined when there is. */
export function whyNotReadable(folder: string): string | undefined {
  const found = statSync(folder, { throwIfNoEntry: false });
  if (found === undefined) return `${folder} is not there`;
  if (!found.isDirectory()) return `${folder} is not a folder`;
  return whyNoAccess(folder, constants.R_OK | constants.X_OK, "read");
}

function whyNoAccess(folder: string, mode: number, verb: string): string | undefined {
  try {
    accessSync(folder, mode);
    return undefined;
  } catch {
    return `${folder} is not yours to ${verb}`;
  }
}

/** Why a folder cannot be made or written to, or undefined when it can. Makes nothing. */
export function whyNotWritable(folder: string): string | undefined {
  const found = statSync(folder, { throwIfNoEntry: false });
  if (found === undefined) return whyNotWritable(dirname(folder));
  if (!found.isDirectory()) return `${folder} is not a folder`;
  return whyNoAccess(folder, constants.W_OK | constants.X_OK, "write to");
}
