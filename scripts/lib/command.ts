import { existsSync } from "node:fs";
import { startProgram } from "../../components/programs/program.ts";
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
  /** Sends a signal to the command alone: Pulumi's plugins must not get the first ^C. */
  signal(name: NodeJS.Signals): void;
  /** Ends the command and everything it started that stayed in its process group. */
  kill(): void;
}

/**
 * Starts a command in a process group of its own, so that ^C in the terminal reaches us and we decide what
 * to pass on. On Linux it gets SIGTERM when this process dies, however that happens.
 */
export function startCommand(file: string, args: readonly string[], options: CommandOptions): RunningCommand {
  const { cwd, env, input, onLine } = options;
  const all = Number.POSITIVE_INFINITY;
  const more = { ...(onLine && { onLine }), mostOutput: all, keptComplaints: all, ownGroup: true };
  const { pid, ended } = startProgram(tiedToParent([file, ...args]), { cwd, env, input, ...more });
  const command = shellLine([file, ...args]);
  const result = ended.then(({ code, signal, stdout, stderr, unstarted }) => {
    if (unstarted !== undefined) throw unstarted;
    return { command, code, signal, stdout: stdout.toString("utf8"), stderr };
  });
  return { pid, result, signal: (name) => send(pid, name), kill: () => send(-pid, "SIGKILL") };
}

function tiedToParent(words: readonly string[]): readonly string[] {
  const setpriv = "/usr/bin/setpriv";
  const isThere = process.platform === "linux" && existsSync(setpriv);
  return isThere ? [setpriv, "--pdeathsig", "TERM", "--", ...words] : words;
}

function send(pid: number, name: NodeJS.Signals): void {
  if (pid === 0) return;
  try {
    process.kill(pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}
