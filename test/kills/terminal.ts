import { spawn } from "node:child_process";
import { shellLine } from "../../components/ssh/ssh-key.ts";

/** A command in a terminal of its own, with somebody at the keys. */
export interface Terminal {
  /** Everything on the screen so far. */
  screen(): string;
  type(keys: string): void;
  /** Resolves when this is on the screen; rejects when the command ends without it. */
  shows(text: RegExp): Promise<void>;
  /** Takes the terminal away, as a closed window does: whoever is in it hears a SIGHUP. */
  close(): void;
  /** The exit code; null = the terminal was closed. */
  readonly ended: Promise<number | null>;
}

/** What a program asks a terminal for, and what this one answers: its background is black, the cursor top left. */
const ANSWERS: readonly [question: string, answer: string][] = [
  ["\x1b]11;?", "\x1b]11;rgb:0000/0000/0000\x1b\\"],
  ["\x1b[6n", "\x1b[1;1R"],
];

export function openTerminal(file: string, args: readonly string[], cwd: string, env: NodeJS.ProcessEnv): Terminal {
  const line = `stty rows 40 cols 160; exec ${shellLine([file, ...args])}`;
  const child = spawn("script", ["-qec", line, "/dev/null"], {
    cwd,
    env: { ...env, TERM: "xterm" },
    stdio: ["pipe", "pipe", "inherit"],
  });
  let screen = "";
  let look = () => {};
  child.stdin.on("error", () => {}); // it may end while we type
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    screen += text;
    for (const [question, answer] of ANSWERS) if (text.includes(question)) child.stdin.write(answer);
    look();
  });
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", resolve);
  });
  return {
    screen: () => screen,
    type: (keys) => void child.stdin.write(keys),
    shows: (text) =>
      new Promise((resolve, reject) => {
        look = () => text.test(screen) && resolve();
        look();
        void ended.then(() => reject(new Error(`it ended without ${text}:\n${screen}`)));
      }),
    close: () => void child.kill("SIGKILL"),
    ended,
  };
}
