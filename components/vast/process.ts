import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { hostname } from "node:os";

/** Which process on which machine. A pid alone is used again; with the time it started it is not. */
export interface ProcessMark {
  readonly host: string;
  readonly pid: number;
  /** Opaque; equal only for the same process. */
  readonly startedAt: string;
}

/** The mark of a process of this machine; default this one. */
export function markOf(pid = process.pid): ProcessMark {
  return { host: hostname(), pid, startedAt: startOf(pid) ?? "unknown" };
}

/** Does that process still run? "elsewhere" = on another machine, where we cannot look. */
export function stateOf(mark: ProcessMark): "running" | "ended" | "elsewhere" {
  if (mark.host !== hostname()) return "elsewhere";
  const startedAt = startOf(mark.pid);
  return startedAt !== undefined && startedAt === mark.startedAt ? "running" : "ended";
}

/** undefined = there is no such process. */
function startOf(pid: number): string | undefined {
  try {
    return process.platform === "linux" ? linuxStart(pid) : otherStart(pid);
  } catch {
    return undefined;
  }
}

/** Clock ticks since the machine started, and which start that was. The name before them may hold blanks and brackets. */
function linuxStart(pid: number): string {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  const [state, ...fields] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  if (state === "Z" || state === "X") throw new Error("it has ended");
  const boot = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
  return `${boot} ${fields[18]}`;
}

function otherStart(pid: number): string | undefined {
  const env = { ...process.env, LC_ALL: "C" };
  const words = ["-o", "lstart=", "-p", String(pid)];
  const stdout = execFileSync("ps", words, { encoding: "utf8", env, stdio: ["ignore", "pipe", "ignore"] });
  return stdout.trim() || undefined;
}
