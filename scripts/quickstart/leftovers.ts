import { lstatSync, mkdirSync, readdirSync, readFileSync, rmdirSync } from "node:fs";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { commandLine, endProcess, startTime } from "../lib/alive.ts";
import { processesWith } from "../lib/traces.ts";
import { removeWorkspace } from "../lib/workspace.ts";

/** Holds one folder for each quickstart that runs, named after its process, so that a later one knows whose it is. */
const shelf = join(tmpdir(), `vast-quickstart-${userInfo().uid}`);

const PATIENCE_MS = 15_000;
/** How often the processes of a killed quickstart are looked for. */
const LOOKS = 5;

/** Makes this process's folder. */
export function ownFolder(): string {
  openShelf();
  const folder = join(shelf, `${process.pid}.${startTime(process.pid) ?? Date.now()}`);
  mkdirSync(folder, { mode: 0o700 });
  return folder;
}

/** Makes the shelf. Checks what is there: anybody may make such a name in the folder for temporary files. */
function openShelf(): void {
  mkdirSync(shelf, { recursive: true, mode: 0o700 });
  const found = lstatSync(shelf);
  if (!found.isDirectory() || found.uid !== userInfo().uid) {
    throw new Error(`${shelf} is not a folder of yours; remove it, or set TMPDIR`);
  }
}

/** Removes this process's folder, and the shelf when nobody else uses it. */
export function removeOwnFolder(folder: string): void {
  removeWorkspace(folder);
  removeIfEmpty(shelf);
}

/** Ends and removes what killed quickstarts left. Answers with how many there were. */
export async function sweepLeftovers(): Promise<number> {
  openShelf();
  const dead = entries(shelf).filter((name) => !isRunning(name));
  for (const name of dead) {
    const folder = join(shelf, name);
    for (const workspace of entries(folder)) {
      const home = join(folder, workspace, "home");
      await endSimulator(join(home, "simulator"));
      await endAllOf(home);
    }
    removeWorkspace(folder);
  }
  removeIfEmpty(shelf);
  return dead.length;
}

function isRunning(name: string): boolean {
  const [pid, born] = name.split(".");
  return startTime(Number(pid)) === born;
}

/** Ends what has this state directory and lives on, which would write there again: also what was started meanwhile. */
async function endAllOf(home: string): Promise<void> {
  const living = () => processesWith(`VAST_TRAINING_HOME=${home}`);
  // Not for ever: one may hang in the kernel.
  for (let [looks, pids] = [0, living()]; pids.length > 0 && looks < LOOKS; looks++, pids = living())
    await Promise.all(pids.map((pid) => endProcess(pid, PATIENCE_MS)));
}

/** Ends the simulator, and with it its machines. */
async function endSimulator(home: string): Promise<void> {
  const pid = pidOf(join(home, "runtime.json"));
  if (pid !== undefined && commandLine(pid).includes("simulator/main.ts")) await endProcess(pid, PATIENCE_MS);
}

function pidOf(runtimeFile: string): number | undefined {
  try {
    return JSON.parse(readFileSync(runtimeFile, "utf8")).pid;
  } catch {
    return undefined;
  }
}

function entries(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function removeIfEmpty(folder: string): void {
  try {
    rmdirSync(folder);
  } catch {
    // another quickstart still uses the shelf, or there was none
  }
}
