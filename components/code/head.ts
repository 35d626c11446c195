import { closest } from "fastest-levenshtein";
import { yamlText } from "../config/yaml.ts";
import { type Check, failed, passed } from "../lib/problem.ts";
import { GitError, git } from "./git/git.ts";
import type { GitCredentials } from "./git/setup.ts";
import { GIT_TOKEN } from "./git/token.ts";
import { isSshUrl } from "./git/url.ts";

/** The branches and tags of a repository on a server: commit by name. */
export interface Refs {
  readonly heads: ReadonlyMap<string, string>;
  /** The commit that a tag leads to, not the tag's own object. */
  readonly tags: ReadonlyMap<string, string>;
}

/** A repository on a server, and how to reach it. */
export interface Server {
  /** The key of the stack config that names it. */
  readonly key: string;
  /** As the user wrote it. */
  readonly repo: string;
  readonly url: string;
  readonly login: GitCredentials;
  /** With login "agent": the ssh command that connects as the machine will. */
  readonly ssh?: string;
}

const PATIENCE_MS = 30_000;

/** Asks the server for branches and tags. If it refuses, but would accept the user's own git, the error says so. */
export async function refsOf(
  { key, repo, url, login, ssh = "" }: Server,
  env: NodeJS.ProcessEnv,
): Promise<Check<Refs>> {
  const ask = (as: GitCredentials, variables = env) =>
    git(["ls-remote", "--heads", "--tags", "--", url], { env: variables, login: as, patienceMs: PATIENCE_MS }).catch(
      (error: Error) => error,
    );
  const asked = await ask(login, login === "agent" && ssh !== "" ? { ...env, GIT_SSH_COMMAND: ssh } : env);
  if (!(asked instanceof Error)) return passed(refsIn(String(asked)));
  const isLate = asked instanceof GitError && asked.isLate;
  if (login !== "own" && !isLate && !((await ask("own")) instanceof Error)) return failed(ownAlone(repo, login, asked));
  return failed({ key, found: `${repo} cannot be read: ${asked.message}`, write: wayToRead(url, login) });
}

function ownAlone(repo: string, login: GitCredentials, { message }: Error) {
  const found = `${repo} is readable only with your own git's login, keys or settings, which the machine lacks (${message})`;
  const token = `, or give ${GIT_TOKEN} the right to read it`;
  const more = login === "agent" ? ", or ssh-add the key" : typeof login === "object" ? token : "";
  return { key: "gitAuth", found, write: `set gitAuth to upload (it is sent from here)${more}` };
}

function wayToRead(url: string, login: GitCredentials): string {
  if (isSshUrl(url) || login === "own")
    return `check the URL, and that git ls-remote ${url} works here without a question`;
  if (login === "none") return "check the URL, and that the repository is public (else set gitAuth)";
  return `check the URL, and that ${GIT_TOKEN} may read it`;
}

/**
 * The commit of a branch.
 *
 * @param pinned a commit of it to take; "" = its last
 */
export function headIn({ heads, tags }: Refs, repo: string, branch: string, pinned: string): Check<string> {
  const last = heads.get(branch);
  if (last !== undefined) return passed(pinned || last);
  const tagged = tags.get(branch);
  if (tagged !== undefined) {
    return failed({
      key: "branch",
      found: `${branch} is a tag of ${repo}, and only branches are followed`,
      write: pin(heads, tagged),
    });
  }
  const found = `${repo} has no branch ${branch}`;
  if (/^[0-9a-f]{7,64}$/i.test(branch)) {
    const ids = [...heads.values(), ...tags.values()];
    const commit = ids.find((id) => id.startsWith(branch.toLowerCase())) ?? branch.toLowerCase();
    const write = commit.length < 40 ? `write its whole id to commit (git rev-parse ${branch})` : pin(heads, commit);
    return failed({ key: "branch", found: `${found}, and it looks like a commit`, write });
  }
  const names = [...heads.keys()];
  const write = names.length === 0 ? "push a branch first" : `did you mean ${yamlText(closest(branch, names))}?`;
  return failed({ key: "branch", found, write });
}

/** Branches that YAML, without quotes, reads as the same number as this one. */
export function twinsOf({ heads }: Refs, branch: string): string[] {
  if (!/^[-+]?\.?\d/.test(branch)) return [];
  return [...heads.keys()].filter((name) => name !== branch && name !== "" && Number(name) === Number(branch));
}

/** Lines for the stack config. */
function pin(heads: Refs["heads"], commit: string): string {
  const [name] = [...heads].find(([, id]) => id === commit) ?? [];
  const branch = name === undefined ? "branch to the branch that it is on" : `branch to ${yamlText(name)}`;
  return `set commit to ${yamlText(commit)}, and ${branch}`;
}

/** Lines "commit TAB refs/heads/name". A tag with an object of its own has a second line, "...^{}". */
export function refsIn(text: string): Refs {
  const rows = text.split("\n").flatMap((line) => {
    const [, commit = "", kind = "", name = ""] =
      /^([0-9a-f]{40,64})\trefs\/(heads|tags)\/(.+?)(?:\^\{\})?$/.exec(line) ?? [];
    return name === "" ? [] : [{ commit, kind, name }];
  });
  const of = (kind: string) =>
    new Map(rows.filter((row) => row.kind === kind).map(({ name, commit }) => [name, commit]));
  return { heads: of("heads"), tags: of("tags") };
}
