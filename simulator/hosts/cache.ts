import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, statSync } from "node:fs";
import { homedir } from "node:os";
import { basename, dirname, join, resolve } from "node:path";

const DAY_MS = 24 * 3600 * 1000;

const underWay = new Map<string, Promise<void>>();

/** Files that can be made again, shared by all clones of a user: `${XDG_CACHE_HOME:-~/.cache}/vast-training`. */
export function cacheDir(env: NodeJS.ProcessEnv = process.env): string {
  return resolve(env.XDG_CACHE_HOME || join(env.HOME || homedir(), ".cache"), "vast-training");
}

/**
 * Makes a folder once, whole or not at all, even when several processes make it at the same time. It never changes.
 * @param make fills the empty folder that it is given
 */
export async function madeOnce(folder: string, make: (work: string) => Promise<void>): Promise<string> {
  if (existsSync(folder)) return folder;
  const making = underWay.get(folder) ?? makeWhole(folder, make);
  underWay.set(folder, making);
  await making.finally(() => underWay.delete(folder));
  return folder;
}

async function makeWhole(folder: string, make: (work: string) => Promise<void>): Promise<void> {
  mkdirSync(dirname(folder), { recursive: true });
  removeAbandoned(folder);
  const work = mkdtempSync(`${folder}.part-`);
  try {
    await make(work);
    renameSync(work, folder);
  } catch (error) {
    if (!existsSync(folder)) throw error; // else another process was quicker
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** What a killed maker left behind. That of a living one may go while we look. */
function removeAbandoned(folder: string): void {
  for (const name of readdirSync(dirname(folder))) {
    if (!name.startsWith(`${basename(folder)}.part-`)) continue;
    const path = join(dirname(folder), name);
    const { mtimeMs = Date.now() } = statSync(path, { throwIfNoEntry: false }) ?? {};
    if (Date.now() - mtimeMs >= DAY_MS) rmSync(path, { recursive: true, force: true });
  }
}
