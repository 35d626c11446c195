import { existsSync, readdirSync, rmdirSync } from "node:fs";
import { join } from "node:path";

const root = "/sys/fs/cgroup";
const prefix = "vast-training-test-";

/** A name that tells whose it is. */
export function cgroupName(): string {
  return `${prefix}${process.pid}-${Date.now().toString(36)}`;
}

/**
 * What a test left that was killed: everything else goes with its processes. Where the last of those are still ending it
 * stays, for whoever comes next.
 */
export function removeAbandonedCgroups(): void {
  for (const [pid, name] of cgroupsByOwner()) {
    if (!existsSync(`/proc/${pid}`)) unless("EBUSY", () => removeCgroups(name));
  }
}

/** Pairs of the process that made it, and its name. */
export function cgroupsByOwner(): [pid: number, name: string][] {
  const names = [...new Set(hierarchies().flatMap((folder) => readdirSync(folder)))];
  return names
    .filter((name) => name.startsWith(prefix))
    .map((name) => [Number(name.slice(prefix.length).split("-")[0]), name]);
}

/** Takes away what an engine leaves of its control groups, in every hierarchy; nothing may run in them any more. */
export function removeCgroups(name: string): void {
  for (const folder of hierarchies().map((hierarchy) => join(hierarchy, name))) {
    if (existsSync(folder)) removeTree(folder);
  }
}

/** One is mounted at the root itself, or each has a folder there. */
function hierarchies(): string[] {
  return existsSync(root) ? [root, ...foldersIn(root)] : [];
}

/** A control group's files go with it. Another test may remove the same one. */
function removeTree(folder: string): void {
  unless("ENOENT", () => {
    for (const inner of foldersIn(folder)) removeTree(inner);
    rmdirSync(folder);
  });
}

function foldersIn(folder: string): string[] {
  const entries = readdirSync(folder, { withFileTypes: true });
  return entries.filter((entry) => entry.isDirectory()).map((entry) => join(folder, entry.name));
}

/** Does it, unless this is in the way. */
function unless(code: string, action: () => void): void {
  try {
    action();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== code) throw error;
  }
}
