import { readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** What others read to find the simulator of this state directory. */
export interface Runtime {
  readonly url: string;
  readonly apiKeyFile: string;
  readonly pid: number;
  readonly repos: Readonly<Record<string, string>>;
}

const FILE = "runtime.json";
const LOCK = "lock";

export function writeRuntime(home: string, runtime: Runtime): void {
  const file = join(home, FILE);
  writeFileSync(`${file}.${process.pid}`, `${JSON.stringify(runtime)}\n`, { mode: 0o600 });
  renameSync(`${file}.${process.pid}`, file);
}

export function removeRuntime(home: string): void {
  rmSync(join(home, FILE), { force: true });
}

/**
 * Locks the folder for this process; returns a function to unlock it. Throws one sentence when a living simulator has
 * the folder. The lock of a dead one is taken over.
 */
export function lockHome(home: string): () => void {
  const lock = join(home, LOCK);
  for (let attempt = 0; attempt < 3; attempt++) {
    try {
      writeFileSync(lock, ownerText(process.pid), { mode: 0o600, flag: "wx" });
      return () => rmSync(lock, { force: true });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    }
    const owner = readFileSync(lock, "utf8");
    const pid = Number(owner.split(" ")[0]);
    if (isLiving(pid, owner))
      throw new Error(`A simulator (process ${pid}) already serves ${home}; end it first, or set VAST_TRAINING_HOME.`);
    rmSync(lock, { force: true });
    removeRuntime(home);
  }
  throw new Error(`Another simulator is starting in ${home}.`);
}

/** Process ids are reused; the start time tells two processes with one id apart. */
function ownerText(pid: number): string {
  return `${pid} ${statOf(pid)?.start ?? ""}`;
}

function isLiving(pid: number, owner: string): boolean {
  if (!Number.isInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EPERM") return false;
  }
  // A killed process keeps its id until its parent has heard of it, and in a container that may be never.
  return owner === ownerText(pid) && statOf(pid)?.state !== "Z";
}

/** A process's state, and its start in ticks since the machine's own. Linux only; undefined elsewhere. */
function statOf(pid: number): { state: string | undefined; start: string | undefined } | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The command's name, in parentheses, may hold spaces.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return { state: fields[0], start: fields[19] };
  } catch {
    return undefined;
  }
}
