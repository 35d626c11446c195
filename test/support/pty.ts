import { spawn } from "node:child_process";
import { shellLine } from "../../components/ssh/ssh-key.ts";

export interface PtyRun {
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
  /** Name of the terminal; default xterm. */
  readonly term?: string;
  /** When this is on the screen … */
  readonly seen: RegExp;
  /** … these keys are typed, and again each second until the command ends: it may not be listening yet. */
  readonly keys: string;
  /** … but no more often than this. */
  readonly times?: number;
  /** Gets all that is on the screen so far, again each time that something is written. */
  readonly onScreen?: (screen: string) => void;
}

/** What a program asks of a terminal, and what one answers: without an answer it would wait for seconds. */
const BACKGROUND = { question: "\x1b]11;?", answer: "\x1b]11;rgb:0000/0000/0000\x1b\\" };

/** Runs a command in a terminal of its own until it ends; answers with its exit code and everything on the screen. */
export function runInPty(file: string, args: string[], run: PtyRun): Promise<{ code: number | null; screen: string }> {
  const size = "stty rows 24 cols 100";
  const child = spawn("script", ["-qec", `${size}; exec ${shellLine([file, ...args])}`, "/dev/null"], {
    cwd: run.cwd,
    env: { ...run.env, TERM: run.term ?? "xterm" },
    stdio: ["pipe", "pipe", "inherit"],
  });
  let screen = "";
  let typing: NodeJS.Timeout | undefined;
  let left = run.times ?? Number.POSITIVE_INFINITY;
  const type = () => {
    if (left-- > 0) child.stdin.write(run.keys);
  };
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    screen += text;
    run.onScreen?.(screen);
    if (text.includes(BACKGROUND.question)) child.stdin.write(BACKGROUND.answer);
    if (typing !== undefined || !run.seen.test(screen)) return;
    type();
    typing = setInterval(type, 1000);
  });
  child.stdin.on("error", () => {}); // it may end while we type
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => resolve({ code, screen }));
  }).finally(() => clearInterval(typing)) as Promise<{ code: number | null; screen: string }>;
}
