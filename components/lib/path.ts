import { accessSync, constants, statSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join, resolve } from "node:path";

/** A path on the machine, without blanks and "..". */
export const ABSOLUTE = /^(\/(?!\.\.?(\/|$))[\w.+-]+)+$/;

/** An absolute path: `~/` is the home directory, anything relative starts at the working directory. */
export function absolute(path: string, env: NodeJS.ProcessEnv = process.env): string {
  return resolve(path === "~" || path.startsWith("~/") ? join(env.HOME || homedir(), path.slice(1)) : path);
}

/** Why a folder cannot be made or written to, or undefined when it can. Makes nothing. */
export function whyNotWritable(folder: string): string | undefined {
  const found = statSync(folder, { throwIfNoEntry: false });
  if (found === undefined) return whyNotWritable(dirname(folder));
  if (!found.isDirectory()) return `${folder} is not a folder`;
  try {
    accessSync(folder, constants.W_OK | constants.X_OK);
    return undefined;
  } catch {
    return `${folder} is not yours to write to`;
  }
}
