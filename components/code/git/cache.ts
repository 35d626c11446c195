import { createHash, randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync, utimesSync } from "node:fs";
import { join } from "node:path";
import type { StateDir } from "../../lib/state-dir.ts";
import { GitError, git } from "./git.ts";
import type { GitCredentials } from "./setup.ts";

/** A commit of a repository, and how this machine can fetch it. */
export interface Source {
  readonly url: string;
  /** Full commit id. */
  readonly commit: string;
  /** The ref to fetch from a server that does not send commits by id. */
  readonly ref: string;
  readonly login: GitCredentials;
}

/** The last commits of each repository are kept, so that the next one can be sent as a difference. */
const KEPT = 3;

/** Folder for commits of a repository: `git/<hash of its URL>` in the state directory. */
export function repositoryDir(dir: Pick<StateDir, "path">, url: string): string {
  const folder = join(dir.path, "git", createHash("sha256").update(url).digest("hex").slice(0, 16));
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  return folder;
}

/** The bare repository here with the commit; undefined if it was not fetched before. */
export function keptCommit(dir: Pick<StateDir, "path">, url: string, commit: string): string | undefined {
  const folder = join(repositoryDir(dir, url), `${commit}.git`);
  return existsSync(folder) ? folder : undefined;
}

/**
 * A bare repository with the commit and no history, fetched unless it is here already. It appears whole or not at all,
 * so several processes may fetch the same one at once.
 */
export async function fetchCommit(dir: Pick<StateDir, "path">, source: Source, signal?: AbortSignal): Promise<string> {
  const place = join(repositoryDir(dir, source.url), `${source.commit}.git`);
  if (!existsSync(place)) {
    await withDraft(dir, source.url, async (draft) => {
      await fetchInto(draft, source, [], signal);
      if (!existsSync(place)) renameSync(draft, place);
    }).catch((error) => {
      // Another process was first.
      if (!existsSync(place)) throw error;
    });
    forgetOld(repositoryDir(dir, source.url));
  }
  utimesSync(place, new Date(), new Date());
  return place;
}

/** A repository for one use, deleted afterwards. */
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

/**
 * Fetches the commit without history. Throws GitError; its message says so when the server does not have the commit.
 */
export async function fetchInto(
  bare: string,
  { url, commit, ref, login }: Source,
  more: readonly string[],
  signal?: AbortSignal,
): Promise<void> {
  const fetch = (...words: string[]) => git(["fetch", "--quiet", "--no-tags", ...words], { bare, login, signal });
  const byId = await fetch("--depth", "1", ...more, "--", url, commit).catch((error: GitError) => error);
  if (!(byId instanceof Error)) return;
  // Some servers do not send a commit by its id: then fetch the branch, and if it has moved on, its history.
  await fetch("--depth", "1", ...more, "--", url, ref);
  if (await hasCommit(bare, commit)) return;
  await fetch("--unshallow", ...more, "--", url, ref);
  if (!(await hasCommit(bare, commit))) throw new GitError(`it has no commit ${commit} in ${ref} (${byId.message})`);
}

/** As `fetchInto`, without the files that the filter leaves out; they are fetched one by one when they are needed. */
export async function fetchParts(bare: string, source: Source, filter: string, signal?: AbortSignal): Promise<void> {
  const set = (name: string, value: string) => git(["config", name, value], { bare });
  await set("remote.origin.url", source.url);
  await set("remote.origin.promisor", "true");
  await set("remote.origin.partialclonefilter", filter);
  await fetchInto(bare, source, [`--filter=${filter}`], signal);
}

/** Texts of these files at the root of the commit, by name, if they exist; "" for files that are not in `read`. */
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

/** Is the commit in this local repository? */
export function hasCommit(bare: string, commit: string): Promise<boolean> {
  return git(["cat-file", "-e", `${commit}^{commit}`], { bare }).then(
    () => true,
    () => false,
  );
}

/** Deletes drafts of killed processes after a day. */
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
