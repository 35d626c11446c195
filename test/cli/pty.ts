import { spawn } from "node:child_process";
import { shellLine } from "../../components/ssh-key.ts";

export interface PtyRun {
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
  /** When this is on the screen … */
  readonly seen: RegExp;
  /** … these keys are typed, and again each second until the command ends: it may not be listening yet. */
  readonly keys: string;
}

/** Runs a command in a terminal of its own until it ends; answers with its exit code and everything on the screen. */
export function runInPty(file: string, args: string[], run: PtyRun): Promise<{ code: number | null; screen: string }> {
  const size = "stty rows 24 cols 100";
  const child = spawn("script", ["-qec", `${size}; exec ${shellLine([file, ...args])}`, "/dev/null"], {
    cwd: run.cwd,
    env: { ...run.env, TERM: "xterm" },
    stdio: ["pipe", "pipe", "inherit"],
  });
  let screen = "";
  let typing: NodeJS.Timeout | undefined;
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    screen += text;
    if (typing !== undefined || !run.seen.test(screen)) return;
    child.stdin.write(run.keys);
    typing = setInterval(() => child.stdin.write(run.keys), 1000);
  });
  child.stdin.on("error", () => {}); // it may end while we type
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => resolve({ code, screen }));
  }).finally(() => clearInterval(typing)) as Promise<{ code: number | null; screen: string }>;
}
