import { runProgram } from "../../programs/program.ts";
import { type GitCall, needsSettings, type Setting, type Setup, settingsCall, settingsIn, setupOf } from "./setup.ts";

/** How git runs here. */
export interface GitOptions extends GitCall {
  readonly input?: string | Buffer;
  /** Give up after this; default half an hour. */
  readonly patienceMs?: number;
  readonly signal?: AbortSignal | undefined;
  /** A file descriptor that takes the output, which is then not returned. */
  readonly output?: number;
}

/** What git died of. */
export class GitError extends Error {
  /** Did it not come to an end? */
  readonly isLate: boolean;

  constructor(message: string, isLate = false) {
    super(message);
    this.isLate = isLate;
  }
}

const MOST_OUTPUT = 512 * 1024 * 1024;

/** Runs git without ever asking anybody; answers with its output. Throws GitError with the words that matter. */
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
    // Away from the terminal, so that no ssh below it can ask there.
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

/** The lines around it are advice; where ssh failed, git only says that it could not read. */
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
