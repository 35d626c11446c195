import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { RunConfig } from "../config/config.ts";
import { absolute } from "../lib/path.ts";
import type { Problem } from "../lib/problem.ts";
import { attempt, type Check, failed, passed } from "../lib/problem.ts";
import { openStateDir, stateDirPath } from "../lib/state-dir.ts";
import { runProgram } from "../programs/program.ts";
import { type ExtraRepo, type GitAuth, repoName, WORKSPACE } from "../remote/scripts.ts";
import { checkSource } from "./check-source.ts";
import { type KnownServers, knownServers, withSshOf } from "./git/known-servers.ts";
import type { Snapshot } from "./git/snapshot.ts";
import { findGitToken, GIT_TOKEN, loginFor } from "./git/token.ts";
import { isSshUrl, originOf, wayOf } from "./git/url.ts";
import { headIn, refsOf, twinsOf } from "./head.ts";

/** A branch of a repository, as it is now. */
export interface Head {
  /** What git and the machine fetch from. */
  readonly url: string;
  readonly commit: string;
  /** Branches that YAML may have turned into this name. */
  readonly twins?: readonly string[];
}

/** The code to train, as it is now, and how it gets to the machine. */
export interface CodeSource extends Head {
  readonly way: GitAuth;
  /** With `token`: origin of the only server that may get it. */
  readonly tokenFor: string;
  /** With `agent`. */
  readonly sshConfig: string;
  readonly knownHosts: string;
  /** With URLs that git can fetch from. */
  readonly extraRepos: readonly ExtraRepo[];
  /** With source rsync: the files to send, as a commit. */
  readonly snapshot?: Snapshot;
}

/** Does the branch exist, and can the machine get it and the extra repositories? */
export async function checkRepository(config: Partial<RunConfig>, env: NodeJS.ProcessEnv): Promise<Check<CodeSource>> {
  const { repo, branch, commit, apiUrl, gitAuth, extraRepos, envFile, netrcFile, source } = config;
  if (source === "rsync") return await checkFolder(config, env);
  if (
    repo === undefined ||
    branch === undefined ||
    commit === undefined ||
    gitAuth === undefined ||
    extraRepos === undefined
  ) {
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
  const none: KnownServers = { sshConfig: "", knownHosts: "", proxies: "", strangers: [] };
  const servers = way === "agent" ? await knownServers(urls.filter(isSshUrl), env) : none;
  const strangers = servers.strangers.map(strangerProblem);
  if (strangers.length > 0) return { problems: strangers };
  const asked = [{ key: "repo", repo, url }, ...extras.map((one, at) => extraServer(one.url, extraRepos[at]?.url))];
  const [refs, ...others] = await withSshOf(way === "agent" ? servers : undefined, (ssh) =>
    Promise.all(
      asked.map((one) => refsOf({ ...one, ssh, login: loginFor({ ...places, way, tokenFor }, one.url, env) }, env)),
    ),
  );
  const head = refs?.value && headIn(refs.value, repo, branch, commit);
  const found = [refs, head, ...others].flatMap((check) => check?.problems ?? []);
  if (head?.value === undefined || found.length > 0) return { problems: found };
  const { sshConfig, knownHosts } = servers;
  const resolved = extras.map((extra) => ({ ...extra, url: String(extra.url) }));
  const twins = refs?.value === undefined ? [] : twinsOf(refs.value, branch);
  return passed({ url, commit: head.value, twins, way, tokenFor, sshConfig, knownHosts, extraRepos: resolved });
}

function extraServer(url: string | Problem, repo = "") {
  return { key: "extraRepos", repo, url: String(url) };
}

/** The code is a folder on this machine: no server is asked, and all of it is sent from here. */
async function checkFolder(config: Partial<RunConfig>, env: NodeJS.ProcessEnv): Promise<Check<CodeSource>> {
  const { repo, commit, apiUrl, extraRepos, sourceDir, exclude, maxUploadMb } = config;
  if (commit)
    return failed({ key: "commit", found: "source is rsync, which sends files as they are", write: "leave it out" });
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

/** Problems that prevent this way of getting the code. */
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

/** If any host key were accepted, anyone between the machine and the server could use the agent's keys. */
function strangerProblem(host: string): Problem {
  const found = `it is agent, and the host key of ${host} is in none of your known_hosts, so the machine could not check it`;
  return { key: "gitAuth", found, write: `ssh to ${host} once and accept its key, or set gitAuth to upload` };
}

/** Is an agent running, and does it have a key? */
async function agentProblems(env: NodeJS.ProcessEnv): Promise<Problem[]> {
  const write = "start one and ssh-add your key, or set gitAuth to upload, which needs none on the machine";
  if (!env.SSH_AUTH_SOCK) return [{ key: "gitAuth", found: "it is agent, and SSH_AUTH_SOCK names none", write }];
  const { code } = await runProgram(["ssh-add", "-l"], { env, timeoutMs: 10_000 });
  if (code === 0) return [];
  const found = code === 1 ? "your ssh agent holds no key" : `no ssh agent answers at ${env.SSH_AUTH_SOCK}`;
  return [{ key: "gitAuth", found: `it is agent, and ${found}`, write }];
}

/** `simulator:NAME` stands for the URL under which the running simulator serves that name. */
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
