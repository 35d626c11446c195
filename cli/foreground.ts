import { spawn } from "node:child_process";

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** ^C was typed while it ran. */
  readonly interrupted: boolean;
}

/** Gives the terminal to a command until it ends. ^C reaches it as it would without us, and does not end us first. */
export function runInForeground(words: readonly string[], env: NodeJS.ProcessEnv): Promise<Ended> {
  const [file = "", ...args] = words;
  const child = spawn(file, args, { stdio: "inherit", env });
  let interrupted = false;
  const onInterrupt = () => {
    interrupted = true;
    child.kill("SIGTERM");
  };
  const onTerminate = () => child.kill("SIGTERM");
  process.on("SIGINT", onInterrupt).on("SIGTERM", onTerminate).on("SIGHUP", onTerminate);
  return new Promise<Ended>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code, signal) => resolve({ code, signal, interrupted }));
  }).finally(() => {
    process.off("SIGINT", onInterrupt).off("SIGTERM", onTerminate).off("SIGHUP", onTerminate);
  });
}
