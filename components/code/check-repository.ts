import { readFileSync } from "node:fs";
import { join } from "node:path";
import { closest } from "fastest-levenshtein";
import type { RunConfig } from "../config/config.ts";
import { absolute } from "../lib/path.ts";
import type { Problem } from "../lib/problem.ts";
import { attempt, type Check, failed, passed } from "../lib/problem.ts";
import { openStateDir, stateDirPath } from "../lib/state-dir.ts";
import { runProgram } from "../programs/program.ts";
import { type ExtraRepo, type GitAuth, repoName, WORKSPACE } from "../remote/scripts.ts";
import { checkSource } from "./check-source.ts";
import { type GitCredentials, git } from "./git/git.ts";
import { knownServers } from "./git/known-servers.ts";
import type { Snapshot } from "./git/snapshot.ts";
import { findGitToken, GIT_TOKEN, loginFor } from "./git/token.ts";
import { isSshUrl, originOf, wayOf } from "./git/url.ts";

/** A branch of a repository, as it stands now. */
export interface Head {
  /** What git and the machine fetch from. */
  readonly url: string;
  readonly commit: string;
}

/** What is trained, as it stands now, and how it gets to the machine. */
export interface CodeSource extends Head {
  readonly way: GitAuth;
  /** With `token`: the origin of the only server that may see it. */
  readonly tokenFor: string;
  /** With `agent`. */
  readonly sshConfig: string;
  readonly knownHosts: string;
  /** With URLs that git understands. */
  readonly extraRepos: readonly ExtraRepo[];
  /** With source rsync: the files that are the commit. */
  readonly snapshot?: Snapshot;
}

const PATIENCE_MS = 30_000;

/** Does the branch exist, and can the machine get it, and what lies beside it? */
export async function checkRepository(config: Partial<RunConfig>, env: NodeJS.ProcessEnv): Promise<Check<CodeSource>> {
  const { repo, branch, apiUrl, gitAuth, extraRepos, envFile, netrcFile, source } = config;
  if (source === "rsync") return await checkFolder(config, env);
  if (repo === undefined || branch === undefined || gitAuth === undefined || extraRepos === undefined) {
    return { problems: [] };
  }
  const places = { envFile: envFile ?? "", netrcFile: netrcFile ?? "" };
  const url = reachableUrl("repo", repo, apiUrl, env);
  const extras = extraRepos.map((extra) => ({ ...extra, url: reachableUrl("extraRepos", extra.url, apiUrl, env) }));
  const problems = [url, ...extras.map((extra) => extra.url)].filter((found) => typeof found !== "string");
  if (typeof url !== "string" || problems.length > 0) return { problems };
  const urls = [url, ...extras.map((extra) => String(extra.url))];
  const way = wayOf(gitAuth, url);
  const tokenFor = way === "token" ? originOf(url) : "";
  const trouble = await wayProblems(way, urls, places, env);
  if (trouble.length > 0) return { problems: trouble };
  const [head, servers] = await Promise.all([
    headOf(repo, url, branch, env, loginFor({ ...places, way, tokenFor }, url, env)),
    way === "agent" ? knownServers(urls.filter(isSshUrl), env) : { sshConfig: "", knownHosts: "", strangers: [] },
  ]);
  const { sshConfig, knownHosts, strangers } = servers;
  const resolved = extras.map((extra) => ({ ...extra, url: String(extra.url) }));
  return {
    problems: [...head.problems, ...strangers.map(strangerProblem)],
    ...(head.value && { value: { ...head.value, way, tokenFor, sshConfig, knownHosts, extraRepos: resolved } }),
  };
}

/** The code is a folder of this machine: no server is asked for it, and everything is sent from here. */
async function checkFolder(config: Partial<RunConfig>, env: NodeJS.ProcessEnv): Promise<Check<CodeSource>> {
  const { repo, apiUrl, extraRepos, sourceDir, exclude, maxUploadMb } = config;
  if (!repo || !extraRepos || sourceDir === undefined || !exclude || maxUploadMb === undefined) return { problems: [] };
  const extras = extraRepos.map((extra) => ({ ...extra, url: reachableUrl("extraRepos", extra.url, apiUrl, env) }));
  const problems = extras.flatMap(({ url }) => (typeof url === "string" ? [] : [url]));
  const codeDir = `${WORKSPACE}/${repoName(repo)}`;
  const dir = attempt("VAST_TRAINING_HOME", () => openStateDir(env));
  if (problems.length > 0 || dir.value === undefined) return { problems };
  const wanted = { sourceDir, maxUploadMb, codeDir, extraRepos, exclude };
  const { value: snapshot, problems: more } = await checkSource(dir.value, wanted, env);
  if (snapshot === undefined) return { problems: more };
  const resolved = extras.map((extra) => ({ ...extra, url: String(extra.url) }));
  const nothing = { tokenFor: "", sshConfig: "", knownHosts: "" };
  return passed({ url: repo, commit: snapshot.commit, way: "upload", ...nothing, extraRepos: resolved, snapshot });
}

/** `simulator:` is for the simulator's machines alone. */
function reachableUrl(key: string, repo: string, apiUrl: string | undefined, env: NodeJS.ProcessEnv): string | Problem {
  if (!repo.startsWith("simulator:") || apiUrl !== "") return urlOf(key, repo, env);
  const write = "an https URL, or set apiUrl to simulator";
  return { key, found: `a real machine cannot fetch from ${repo}`, write };
}

/** What stands in the way of this way. */
async function wayProblems(
  way: GitAuth,
  urls: readonly string[],
  places: { envFile: string; netrcFile: string },
  env: NodeJS.ProcessEnv,
): Promise<Problem[]> {
  const [url = ""] = urls;
  const ssh = urls.find(isSshUrl);
  if (way === "agent") return isSshUrl(url) ? await agentProblems(env) : [agentUrl(url)];
  if (way !== "upload" && ssh !== undefined) {
    const found = `it is ${way}, and the machine has no key for ${ssh}`;
    return [{ key: "gitAuth", found, write: "upload (nothing of yours goes to the machine), or agent" }];
  }
  if (way === "token" && !/^(https:|http:\/\/(127\.0\.0\.1|localhost)[:/])/.test(url)) {
    const write = "an https URL in repo, or upload here";
    return [{ key: "gitAuth", found: `it is token, and ${url} would send it in clear text`, write }];
  }
  if (way !== "token" || findGitToken(places, env) !== undefined) return [];
  const file = absolute(places.envFile, env);
  const found = `it is token, and ${GIT_TOKEN} is neither in the environment nor in ${file}`;
  return [{ key: "gitAuth", found, write: `add a line ${GIT_TOKEN}=… to ${file}, or set gitAuth to upload` }];
}

function agentUrl(url: string): Problem {
  return {
    key: "gitAuth",
    found: `it is agent, and ${url} is not an ssh URL`,
    write: "token or upload, or such as git@host:path in repo",
  };
}

/** A machine that took any host key would let anyone on its way talk to the agent's keys. */
function strangerProblem(host: string): Problem {
  const found = `it is agent, and the host key of ${host} is in none of your known_hosts, so the machine could not check it`;
  return { key: "gitAuth", found, write: `ssh to ${host} once and accept its key, or set gitAuth to upload` };
}

/** Is there an agent, and has it a key? */
async function agentProblems(env: NodeJS.ProcessEnv): Promise<Problem[]> {
  const write = "start one and ssh-add your key, or set gitAuth to upload, which needs none on the machine";
  if (!env.SSH_AUTH_SOCK) return [{ key: "gitAuth", found: "it is agent, and SSH_AUTH_SOCK names none", write }];
  const { code } = await runProgram(["ssh-add", "-l"], { env, timeoutMs: 10_000 });
  if (code === 0) return [];
  const found = code === 1 ? "your ssh agent holds no key" : `no ssh agent answers at ${env.SSH_AUTH_SOCK}`;
  return [{ key: "gitAuth", found: `it is agent, and ${found}`, write }];
}

/** Asks the repository at `url`, known to the user as `repo`, for its branch. */
export async function headOf(
  repo: string,
  url: string,
  branch: string,
  env: NodeJS.ProcessEnv,
  login: GitCredentials = "none",
): Promise<Check<Head>> {
  const asked = await git(["ls-remote", "--heads", "--", url], { env, login, patienceMs: PATIENCE_MS }).catch(
    (error: Error) => error,
  );
  if (asked instanceof Error) {
    return failed({ key: "repo", found: `${repo} cannot be read: ${asked.message}`, write: wayToRead(url, login) });
  }
  const heads = headsIn(String(asked));
  const commit = heads.get(branch);
  if (commit !== undefined) return passed({ url, commit });
  const write = suggestion(branch, [...heads.keys()]);
  return failed({ key: "branch", found: `${repo} has no branch ${branch}`, write });
}

function wayToRead(url: string, login: GitCredentials): string {
  if (isSshUrl(url)) return `check the URL, and that git ls-remote ${url} works here without a question`;
  if (login === "own") return `check the URL, and that git ls-remote ${url} works here without a question`;
  if (login === "none") return "check the URL, and that the repository is public (else set gitAuth)";
  return `check the URL, and that ${GIT_TOKEN} may read it`;
}

function suggestion(branch: string, names: readonly string[]): string {
  return names.length === 0 ? "push a branch first" : `did you mean ${closest(branch, names)}?`;
}

/** `simulator:NAME` is what the running simulator serves under that name. */
function urlOf(key: string, repo: string, env: NodeJS.ProcessEnv): string | Problem {
  const [, name] = /^simulator:(.+)$/.exec(repo) ?? [];
  if (name === undefined) return repo;
  const repos = simulatedRepos(join(stateDirPath(env), "simulator", "runtime.json"));
  if (repos === undefined) {
    return {
      key,
      found: `it is ${repo}, but no simulator is running`,
      write: "start one with npm run -s simulator",
    };
  }
  const write = `write ${Object.keys(repos)
    .map((known) => `simulator:${known}`)
    .join(" or ")}`;
  return repos[name] ?? { key, found: `the simulator has no repository ${name}`, write };
}

function simulatedRepos(runtimeFile: string): Record<string, string> | undefined {
  try {
    return JSON.parse(readFileSync(runtimeFile, "utf8")).repos;
  } catch {
    return undefined;
  }
}

/** "commit TAB refs/heads/name" a line. */
export function headsIn(text: string): Map<string, string> {
  const lines = text.split("\n").flatMap((line) => {
    const [, commit, name] = /^([0-9a-f]{40,64})\trefs\/heads\/(.+)$/.exec(line) ?? [];
    return commit !== undefined && name !== undefined ? [[name, commit] as const] : [];
  });
  return new Map(lines);
}
