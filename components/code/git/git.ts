import { runProgram } from "../../programs/program.ts";

/** How git runs here. */
export interface GitOptions {
  readonly env?: NodeJS.ProcessEnv;
  /** Its git directory, or a folder in a work tree. */
  readonly dir?: string;
  readonly input?: string;
  /** Give up after this; default half an hour. */
  readonly patienceMs?: number;
  readonly signal?: AbortSignal | undefined;
  /** A file descriptor that takes the output, which is then not returned. */
  readonly output?: number;
  /** The index it works on; default that of the repository. */
  readonly index?: string;
  /** Where credentials for a server come from; default the user's own set-up of git. */
  readonly login?: GitCredentials;
}

/** Nothing, one token for one server, or what the user's git has. */
export type GitCredentials = "none" | "own" | { readonly token: string; readonly origin: string };

/** What git died of. */
export class GitError extends Error {}

const MOST_OUTPUT = 512 * 1024 * 1024;

/** Runs git without ever asking anybody; answers with its output. Throws GitError with the words that matter. */
export async function git(args: readonly string[], options: GitOptions = {}): Promise<Buffer> {
  const { env = process.env, dir, input, patienceMs = 1_800_000, signal, output, index, login = "own" } = options;
  const words = [...(dir === undefined ? [] : ["-C", dir]), ...loginWords(login), ...args];
  const { code, stdout, stderr, cut, unstarted } = await runProgram(["git", ...words], {
    env: {
      ...quiet(env, await gitSshCommand(env)),
      ...(index === undefined ? {} : { GIT_INDEX_FILE: index }),
      ...(typeof login === "string" ? {} : { VAST_GIT_TOKEN: login.token }),
    },
    // Away from the terminal, so that no ssh below it can ask there.
    ownGroup: true,
    timeoutMs: patienceMs,
    mostOutput: MOST_OUTPUT,
    input,
    output,
    signal,
  });
  if (unstarted !== undefined) throw new GitError(`git cannot be run here: ${unstarted.message}`);
  if (cut === "timeout") throw new GitError(`no answer in ${Math.round(patienceMs / 1000)} s`);
  if (cut !== undefined || code !== 0)
    throw new GitError(complaint(stderr) || `git ${args[0]} ended with exit code ${code}`);
  return stdout;
}

/** The token is in git's environment, and the helper answers for this server alone. */
function loginWords(login: GitCredentials): string[] {
  if (login === "own") return [];
  const nobody = ["-c", "credential.helper="];
  if (login === "none") return nobody;
  const helper = `!f() { [ "$1" != get ] || printf 'username=x-access-token\\npassword=%s\\n' "$VAST_GIT_TOKEN"; }; f`;
  return [...nobody, "-c", `credential.${login.origin}.helper=${helper}`];
}

/** Nobody is there to answer a prompt. */
function quiet(env: NodeJS.ProcessEnv, ssh: string): NodeJS.ProcessEnv {
  const asks = {
    GIT_TERMINAL_PROMPT: "0",
    GIT_ASKPASS: "",
    SSH_ASKPASS: "",
    SSH_ASKPASS_REQUIRE: "never",
    LC_ALL: "C",
  };
  const kept = Object.entries(env).filter(([name]) => !REPOSITORY.has(name));
  return { ...Object.fromEntries(kept), ...asks, GIT_SSH_COMMAND: ssh, GIT_LFS_SKIP_SMUDGE: "1" };
}

/** What a hook or an alias of git sets, about another repository than ours. */
const REPOSITORY = new Set(["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX", "GIT_OBJECT_DIRECTORY"]);

let configured: Promise<string> | undefined;

/** The user's own ssh, as git would call it, that fails where it would ask. */
export async function gitSshCommand(env: NodeJS.ProcessEnv): Promise<string> {
  configured ??= configuredSsh();
  const ssh = env.GIT_SSH_COMMAND || (await configured) || "ssh";
  return `${ssh} -o BatchMode=yes -o ConnectTimeout=10`;
}

async function configuredSsh(): Promise<string> {
  const { stdout } = await runProgram(["git", "config", "--get", "core.sshCommand"]);
  return stdout.toString("utf8").trim();
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
