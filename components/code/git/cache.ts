import { createHash, randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync, utimesSync } from "node:fs";
import { join } from "node:path";
import type { StateDir } from "../../lib/state-dir.ts";
import { GitError, git } from "./git.ts";
import type { GitCredentials } from "./setup.ts";

/** A commit of a repository, and how this machine gets at it. */
export interface Source {
  readonly url: string;
  /** Whole id. */
  readonly commit: string;
  /** What to ask a server for that sends no commit by its id. */
  readonly ref: string;
  readonly login: GitCredentials;
}

/** Of each repository the last commits are kept, so that the next one is sent as a difference. */
const KEPT = 3;

/** Where commits of a repository are kept: `git/<hash of its URL>` in the state directory. */
export function repositoryDir(dir: Pick<StateDir, "path">, url: string): string {
  const folder = join(dir.path, "git", createHash("sha256").update(url).digest("hex").slice(0, 16));
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  return folder;
}

/** The bare repository here that holds the commit, as far as it was fetched before. */
export function keptCommit(dir: Pick<StateDir, "path">, url: string, commit: string): string | undefined {
  const folder = join(repositoryDir(dir, url), `${commit}.git`);
  return existsSync(folder) ? folder : undefined;
}

/**
 * A bare repository that holds the commit and no history, fetched unless it is here already. It appears whole or not at
 * all, and several processes may want the same one.
 */
export async function fetchCommit(dir: Pick<StateDir, "path">, source: Source, signal?: AbortSignal): Promise<string> {
  const place = join(repositoryDir(dir, source.url), `${source.commit}.git`);
  if (!existsSync(place)) {
    await withDraft(dir, source.url, async (draft) => {
      await fetchInto(draft, source, [], signal);
      if (!existsSync(place)) renameSync(draft, place);
    }).catch((error) => {
      // Somebody else was first.
      if (!existsSync(place)) throw error;
    });
    forgetOld(repositoryDir(dir, source.url));
  }
  utimesSync(place, new Date(), new Date());
  return place;
}

/** A repository for one use, gone afterwards. */
export async function withDraft<T>(
  dir: Pick<StateDir, "path">,
  url: string,
  use: (draft: string) => Promise<T>,
): Promise<T> {
  const draft = join(repositoryDir(dir, url), `draft-${process.pid}-${randomBytes(4).toString("hex")}`);
  try {
    await git(["init", "--quiet", "--bare", "--template="], { bare: draft });
    return await use(draft);
  } finally {
    rmSync(draft, { recursive: true, force: true });
  }
}

/** Fetches the commit without history. Throws GitError, with a sentence where the server does not have it. */
export async function fetchInto(
  bare: string,
  { url, commit, ref, login }: Source,
  more: readonly string[],
  signal?: AbortSignal,
): Promise<void> {
  const fetch = (...words: string[]) => git(["fetch", "--quiet", "--no-tags", ...words], { bare, login, signal });
  const byId = await fetch("--depth", "1", ...more, "--", url, commit).catch((error: GitError) => error);
  if (!(byId instanceof Error)) return;
  // Some servers send no commit by its id: then the branch, and when it has moved on, its history.
  await fetch("--depth", "1", ...more, "--", url, ref);
  if (await hasCommit(bare, commit)) return;
  await fetch("--unshallow", ...more, "--", url, ref);
  if (!(await hasCommit(bare, commit))) throw new GitError(`it has no commit ${commit} in ${ref} (${byId.message})`);
}

/** The same without the files that the filter leaves out; what is asked for later is fetched then, file by file. */
export async function fetchParts(bare: string, source: Source, filter: string, signal?: AbortSignal): Promise<void> {
  const set = (name: string, value: string) => git(["config", name, value], { bare });
  await set("remote.origin.url", source.url);
  await set("remote.origin.promisor", "true");
  await set("remote.origin.partialclonefilter", filter);
  await fetchInto(bare, source, [`--filter=${filter}`], signal);
}

/** Those of these files that the commit has at its root, by name; what is not among `read` is left empty. */
export async function textsIn(
  bare: string,
  { commit, login }: Pick<Source, "commit"> & Partial<Source>,
  names: readonly string[],
  read: readonly string[] = names,
  signal?: AbortSignal,
): Promise<Record<string, string>> {
  const listed = String(await git(["ls-tree", "-z", "--name-only", commit, ...names], { bare }));
  const texts: Record<string, string> = {};
  for (const name of listed.split("\0").filter((name) => name !== "")) {
    const options = { bare, signal, ...(login === undefined ? {} : { login }) };
    texts[name] = read.includes(name) ? String(await git(["cat-file", "blob", `${commit}:${name}`], options)) : "";
  }
  return texts;
}

/** Is the commit in this repository here? */
export function hasCommit(bare: string, commit: string): Promise<boolean> {
  return git(["cat-file", "-e", `${commit}^{commit}`], { bare }).then(
    () => true,
    () => false,
  );
}

/** Drafts of processes that were killed go after a day. */
function forgetOld(folder: string): void {
  const entries = readdirSync(folder).map((name) => ({
    name,
    at: statSync(join(folder, name), { throwIfNoEntry: false })?.mtimeMs ?? 0,
  }));
  const commits = entries.filter(({ name }) => name.endsWith(".git")).sort((one, other) => other.at - one.at);
  const drafts = entries.filter(({ name, at }) => /^(draft|send)-/.test(name) && Date.now() - at > 86_400_000);
  for (const { name } of [...commits.slice(KEPT), ...drafts]) {
    rmSync(join(folder, name), { recursive: true, force: true });
  }
}
