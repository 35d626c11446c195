import { runProgram } from "../../programs/program.ts";
import { type GitCall, needsSettings, type Setting, type Setup, settingsCall, settingsIn, setupOf } from "./setup.ts";

/** How git runs here. */
export interface GitOptions extends GitCall {
  readonly input?: string | Buffer;
  /** Give up after this; default half an hour. */
  readonly patienceMs?: number;
  readonly signal?: AbortSignal | undefined;
  /** A file descriptor for the output; the output is then not returned. */
  readonly output?: number;
}

/** A failure of git. */
export class GitError extends Error {
  /** Was git ended because it took too long? */
  readonly isLate: boolean;

  constructor(message: string, isLate = false) {
    super(message);
    this.isLate = isLate;
  }
}

const MOST_OUTPUT = 512 * 1024 * 1024;

/** Runs git without ever asking a question; returns its output. Throws GitError with git's own main message. */
export async function git(args: readonly string[], options: GitOptions = {}): Promise<Buffer> {
  const setup = setupOf(options, needsSettings(options) ? await userSettings(options.env) : []);
  return await run(setup, args, options);
}

/** What the user's git config says in this process' folder. Throws GitError where git cannot read it. */
export async function userSettings(env?: NodeJS.ProcessEnv): Promise<Setting[]> {
  return settingsIn(String(await run(settingsCall(env), [], {})));
}

async function run(setup: Setup, args: readonly string[], options: GitOptions): Promise<Buffer> {
  const { input, patienceMs = 1_800_000, signal, output } = options;
  const { code, stdout, stderr, cut, unstarted } = await runProgram(["git", ...setup.words, ...args], {
    env: setup.env,
    // In a group of its own, so that no ssh started by git can ask on the terminal.
    ownGroup: true,
    timeoutMs: patienceMs,
    mostOutput: MOST_OUTPUT,
    input,
    output,
    signal,
  });
  if (unstarted !== undefined) throw new GitError(`git cannot be run here: ${unstarted.message}`);
  if (cut === "timeout") throw new GitError(`no answer in ${Math.round(patienceMs / 1000)} s`, true);
  if (cut !== undefined || code !== 0)
    throw new GitError(complaint(stderr) || `git ${args[0] ?? setup.words[0]} ended with exit code ${code}`);
  return stdout;
}

/** Finds git's main message; the lines around it are advice. If ssh failed, the message of ssh says more than git's. */
export function complaint(stderr: string): string {
  const lines = stderr
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "");
  const fatal = lines.findIndex((line) => line.startsWith("fatal: "));
  const words = (lines[fatal] ?? lines.at(-1) ?? "").replace(/^fatal: /, "");
  const isSsh = /could not read from remote repository/i.test(words);
  const before = isSsh
    ? lines
        .slice(0, fatal)
        .filter((line) => !/^(@+|warning:)/i.test(line))
        .at(-1)
    : undefined;
  return (before ?? words).replace(/\.$/, "");
}
