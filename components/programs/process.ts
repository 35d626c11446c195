import { readFileSync } from "node:fs";
import { hostname } from "node:os";
import { runProgramNow } from "./program.ts";

/** Which process on which machine. A pid alone is reused; together with its start time it is not. */
export interface ProcessMark {
  readonly host: string;
  readonly pid: number;
  /** Opaque start time; equal only for the same process. */
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

/** A process of this machine. */
export interface RunningProcess {
  /** Name of its program. */
  readonly name: string;
  /** When it started, milliseconds since 1970, by the present setting of the clock. */
  readonly startedAt: number;
}

/** undefined = there is no such process on this machine. */
export function processOf(pid: number): RunningProcess | undefined {
  try {
    return process.platform === "linux" ? linuxProcess(pid) : otherProcess(pid);
  } catch {
    return undefined;
  }
}

/** undefined = there is no such process. */
function startOf(pid: number): string | undefined {
  try {
    return process.platform === "linux" ? linuxStart(pid) : otherStart(pid);
  } catch {
    return undefined;
  }
}

/** Id of the present start of this machine; "" where that is not known. */
export function bootOf(): string {
  try {
    return readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
  } catch {
    return "";
  }
}

/** Clock ticks since the machine started, and which start that was. */
function linuxStart(pid: number): string {
  return `${bootOf()} ${linuxTicks(pid)}`;
}

/** Clock ticks between the start of the machine and that of a process. */
function linuxTicks(pid: number): string {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  // The name before these fields may hold blanks and brackets.
  const [state, ...fields] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  if (state === "Z" || state === "X") throw new Error("it has ended");
  return fields[18] ?? "";
}

/** Ticks of the kernel in a second, on every processor that Node runs on. */
const TICKS_PER_SECOND = 100;

function linuxProcess(pid: number): RunningProcess {
  const boot = /^btime (\d+)$/m.exec(readFileSync("/proc/stat", "utf8"))?.[1];
  const seconds = Number(boot) + Number(linuxTicks(pid)) / TICKS_PER_SECOND;
  return { name: readFileSync(`/proc/${pid}/comm`, "utf8").trim(), startedAt: seconds * 1000 };
}

function otherStart(pid: number): string | undefined {
  return ps(pid, "lstart=") || undefined;
}

function otherProcess(pid: number): RunningProcess | undefined {
  const start = ps(pid, "lstart=");
  return start === "" ? undefined : { name: ps(pid, "comm="), startedAt: Date.parse(start) };
}

function ps(pid: number, field: string): string {
  const env = { ...process.env, LC_ALL: "C" };
  const { code, stdout } = runProgramNow(["ps", "-o", field, "-p", String(pid)], { env });
  if (code !== 0) throw new Error("it has ended");
  return stdout.trim();
}
