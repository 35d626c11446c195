import { spawn } from "node:child_process";
import { Shown } from "./shown.ts";

export interface ForegroundExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** Was ^C typed while it ran? */
  readonly interrupted: boolean;
}

/**
 * Gives the terminal to a command until it ends. ^C reaches it as it would without us, and does not end us first.
 *
 * @param raw it may do with the terminal what it likes; default: credentials are taken out of what it writes, and what
 *   goes to a terminal is made safe
 */
export function runInForeground(
  words: readonly string[],
  env: NodeJS.ProcessEnv,
  raw = false,
): Promise<ForegroundExit> {
  const [file = "", ...args] = words;
  const output = [process.stdout, process.stderr] as const;
  const stdio = output.map(() => (raw ? ("inherit" as const) : ("pipe" as const)));
  const child = spawn(file, args, { stdio: ["inherit", ...stdio], env });
  [child.stdout, child.stderr].forEach((stream, at) => {
    const to = output[at];
    if (stream === null || to === undefined) return;
    const shown = new Shown(to);
    stream.on("data", (chunk: Buffer) => {
      if (shown.write(chunk)) return;
      stream.pause();
      to.once("drain", () => stream.resume());
    });
    stream.on("end", () => shown.end());
  });
  let interrupted = false;
  const onInterrupt = () => {
    interrupted = true;
    child.kill("SIGTERM");
  };
  const onTerminate = () => child.kill("SIGTERM");
  process.on("SIGINT", onInterrupt).on("SIGTERM", onTerminate).on("SIGHUP", onTerminate);
  return new Promise<ForegroundExit>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code, signal) => resolve({ code, signal, interrupted }));
  }).finally(() => {
    process.off("SIGINT", onInterrupt).off("SIGTERM", onTerminate).off("SIGHUP", onTerminate);
  });
}
