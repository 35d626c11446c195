import { type ChildProcess, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { shellLine } from "../../components/ssh/ssh-key.ts";

export interface CommandOptions {
  cwd: string;
  env: NodeJS.ProcessEnv;
  /** Written to standard input, which is then closed. Default: nothing to read. */
  input?: string;
  /** Called with every finished line of both streams, as it arrives. */
  onLine?: (line: string, stream: "stdout" | "stderr") => void;
}

export interface CommandResult {
  /** The command as one would type it. */
  command: string;
  /** The exit code; null when a signal ended it. */
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

export interface RunningCommand {
  readonly pid: number;
  /** Rejects only when the command cannot be started. */
  readonly result: Promise<CommandResult>;
  /** To the command alone, as Pulumi wants it: its plugins must not hear of the first ^C. */
  signal(name: NodeJS.Signals): void;
  /** Ends the command and everything it started that stayed in its process group. */
  kill(): void;
}

/**
 * Starts a command in a process group of its own, so that ^C in the terminal reaches us and we decide what
 * to pass on. On Linux it gets SIGTERM when this process dies, however that happens.
 */
export function startCommand(file: string, args: readonly string[], options: CommandOptions): RunningCommand {
  const [program, words] = tiedToParent(file, args);
  const child = spawn(program, words, { cwd: options.cwd, env: options.env, detached: true, stdio: "pipe" });
  child.stdin.on("error", () => {}); // a command may end without reading what it was given
  child.stdin.end(options.input ?? "");
  return {
    pid: child.pid ?? 0,
    result: collect(child, shellLine([file, ...args]), options),
    signal: (name) => send(child.pid, name),
    kill: () => send(child.pid === undefined ? undefined : -child.pid, "SIGKILL"),
  };
}

function tiedToParent(file: string, args: readonly string[]): [string, string[]] {
  const setpriv = "/usr/bin/setpriv";
  if (process.platform !== "linux" || !existsSync(setpriv)) return [file, [...args]];
  return [setpriv, ["--pdeathsig", "TERM", "--", file, ...args]];
}

function collect(child: ChildProcess, command: string, options: CommandOptions): Promise<CommandResult> {
  const text = { stdout: "", stderr: "" };
  for (const stream of ["stdout", "stderr"] as const) {
    const from = child[stream] as Readable;
    from.setEncoding("utf8").on("data", (part: string) => {
      text[stream] += part;
    });
    if (options.onLine) createInterface({ input: from }).on("line", (line) => options.onLine?.(line, stream));
  }
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code, signal) => resolve({ command, code, signal, ...text }));
  });
}

function send(pid: number | undefined, name: NodeJS.Signals): void {
  if (pid === undefined) return;
  try {
    process.kill(pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}
