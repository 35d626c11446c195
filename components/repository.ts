import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { closest } from "fastest-levenshtein";
import { type Check, failed, passed } from "./check.ts";
import type { RunConfig } from "./config.ts";
import type { Problem } from "./problem.ts";
import { stateDirPath } from "./state-dir.ts";

/** A branch of a repository, as it stands now. */
export interface Head {
  /** What git and the machine fetch from. */
  readonly url: string;
  readonly commit: string;
}

const PATIENCE_MS = 30_000;

/** Does the branch exist, and can the machine get it? */
export async function checkRepository(config: Partial<RunConfig>, env: NodeJS.ProcessEnv): Promise<Check<Head>> {
  const { repo, branch, apiUrl } = config;
  if (repo === undefined || branch === undefined) return { problems: [] };
  if (repo.startsWith("simulator:") && apiUrl === "") {
    const write = "an https URL, or set apiUrl to simulator";
    return failed({ key: "repo", found: `a real machine cannot fetch from ${repo}`, write });
  }
  const url = urlOf(repo, env);
  return typeof url === "string" ? headOf(repo, url, branch, env) : failed(url);
}

/** Asks the repository at `url`, known to the user as `repo`, for its branch. */
export async function headOf(repo: string, url: string, branch: string, env: NodeJS.ProcessEnv): Promise<Check<Head>> {
  const asked = await listHeads(url, env);
  if (asked.error !== undefined) {
    const write = "check the URL, and that the repository is public";
    return failed({ key: "repo", found: `${repo} cannot be read: ${asked.error}`, write });
  }
  const heads = headsIn(asked.output);
  const commit = heads.get(branch);
  if (commit !== undefined) return passed({ url, commit });
  const write = suggestion(branch, [...heads.keys()]);
  return failed({ key: "branch", found: `${repo} has no branch ${branch}`, write });
}

function suggestion(branch: string, names: readonly string[]): string {
  return names.length === 0 ? "push a branch first" : `did you mean ${closest(branch, names)}?`;
}

/** `simulator:NAME` is what the running simulator serves under that name. */
function urlOf(repo: string, env: NodeJS.ProcessEnv): string | Problem {
  const [, name] = /^simulator:(.+)$/.exec(repo) ?? [];
  if (name === undefined) return repo;
  const repos = simulatedRepos(join(stateDirPath(env), "simulator", "runtime.json"));
  if (repos === undefined) {
    return {
      key: "repo",
      found: `it is ${repo}, but no simulator is running`,
      write: "start one with npm run -s simulator",
    };
  }
  const write = `write ${Object.keys(repos)
    .map((known) => `simulator:${known}`)
    .join(" or ")}`;
  return repos[name] ?? { key: "repo", found: `the simulator has no repository ${name}`, write };
}

function simulatedRepos(runtimeFile: string): Record<string, string> | undefined {
  try {
    return JSON.parse(readFileSync(runtimeFile, "utf8")).repos;
  } catch {
    return undefined;
  }
}

interface Asked {
  readonly output: string;
  readonly error?: string;
}

function listHeads(url: string, env: NodeJS.ProcessEnv): Promise<Asked> {
  const args = ["-c", "credential.helper=", "ls-remote", "--heads", "--", url];
  // Nobody is there to answer a prompt, and the machine could not answer it either.
  const quiet = { ...env, GIT_TERMINAL_PROMPT: "0", GIT_ASKPASS: "", SSH_ASKPASS: "", LC_ALL: "C" };
  return new Promise((resolve) => {
    const options = { env: quiet, timeout: PATIENCE_MS, maxBuffer: 64 * 1024 * 1024 };
    execFile("git", args, options, (error, output, stderr) => {
      if (error === null) resolve({ output });
      else resolve({ output: "", error: error.killed ? "no answer in 30 s" : complaint(stderr) || error.message });
    });
  });
}

/** What git died of; the lines around it are advice. */
function complaint(stderr: string): string {
  const lines = stderr.trim().split("\n");
  return (lines.find((line) => line.startsWith("fatal: ")) ?? lines.at(-1) ?? "").replace(/^fatal: /, "");
}

/** "commit TAB refs/heads/name" a line. */
export function headsIn(text: string): Map<string, string> {
  const lines = text.split("\n").flatMap((line) => {
    const [, commit, name] = /^([0-9a-f]{40,64})\trefs\/heads\/(.+)$/.exec(line) ?? [];
    return commit !== undefined && name !== undefined ? [[name, commit] as const] : [];
  });
  return new Map(lines);
}
