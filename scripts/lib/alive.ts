import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

/** When a process started, in the kernel's ticks; pid and start together name one process. Undefined = not running. */
export function startTime(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" "); // the name before it may hold anything
    return fields[0] === "Z" ? undefined : fields[19];
  } catch {
    return undefined;
  }
}

/** The command line of a process, words joined by blanks; "" when it is not running. */
export function commandLine(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ").trim();
  } catch {
    return "";
  }
}

/** Asks a process to end, waits up to `patience` milliseconds, then kills it. */
export async function endProcess(pid: number, patience: number): Promise<void> {
  const born = startTime(pid);
  if (born === undefined) return;
  tell(pid, "SIGTERM");
  const deadline = Date.now() + patience;
  while (startTime(pid) === born) {
    if (Date.now() > deadline) tell(pid, "SIGKILL");
    await sleep(50);
  }
}

/** Unless it has ended meanwhile. */
function tell(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}
