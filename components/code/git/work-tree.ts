import { lstatSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Trouble } from "../../lib/problem.ts";
import { type Cover, complaintsAbout, ignoredBy, looksLikePointer } from "./contents.ts";
import { git } from "./git.ts";

/** A file of a work tree, or a link. */
export interface WorkFile {
  /** Relative to the folder. */
  readonly path: string;
  readonly bytes: number;
}

/** What is in a folder in which git is used, as it is now. */
export interface WorkTree {
  readonly files: readonly WorkFile[];
  readonly bytes: number;
  /** Tracked, and left out by a pattern. */
  readonly leftOut: readonly string[];
  /** What training would miss. */
  readonly complaints: readonly Trouble[];
}

interface Entry {
  readonly path: string;
  readonly isTracked: boolean;
}

interface Listed {
  readonly entries: readonly Entry[];
  /** Submodules that nobody has fetched. */
  readonly empty: readonly string[];
}

/**
 * Lists what git tracks and what it would track, so .gitignore counts, and takes out what `exclude` says. Other
 * repositories within it, submodules or not, count as folders. Reads nothing but small files.
 */
export async function listWorkTree(folder: string, cover: Cover): Promise<WorkTree> {
  const covered = (path: string) =>
    cover.extraRepos.some((extra) => `${cover.codeDir}/${path}/`.startsWith(`${extra.path}/`));
  const { entries, empty } = await list(folder, "", covered);
  const excluded = await ignoredBy(
    cover.exclude,
    entries.map(({ path }) => path),
  );
  const kept = entries.filter(({ path }) => !excluded.has(path));
  const files = kept.flatMap(({ path }) => {
    const found = lstatSync(join(folder, path), { throwIfNoEntry: false });
    return found?.isFile() || found?.isSymbolicLink() ? [{ path, bytes: found.size, isFile: found.isFile() }] : [];
  });
  const lfs = files.filter(({ path, bytes, isFile }) => isFile && bytes < 1024 && isPointer(join(folder, path)));
  const submodules = empty.map((path) => ({ path, commit: "", url: "" }));
  return {
    files: files.map(({ path, bytes }) => ({ path, bytes })),
    bytes: files.reduce((sum, { bytes }) => sum + bytes, 0),
    leftOut: entries.filter(({ path, isTracked }) => isTracked && excluded.has(path)).map(({ path }) => path),
    complaints: await complaintsAbout({ submodules, lfs: lfs.map(({ path }) => path) }, cover),
  };
}

function isPointer(file: string): boolean {
  try {
    return looksLikePointer(readFileSync(file));
  } catch {
    return false;
  }
}

async function list(root: string, below: string, covered: (path: string) => boolean): Promise<Listed> {
  const dir = join(root, below);
  const [cached, others] = await Promise.all([
    git(["ls-files", "--stage", "-z"], { dir }),
    git(["ls-files", "--others", "--exclude-standard", "-z"], { dir }),
  ]);
  const tracked = String(cached)
    .split("\0")
    .flatMap((row) => {
      const [, mode = "", path = ""] = /^(\d+) \w+ \d\t(.+)$/s.exec(row) ?? [];
      return path === "" ? [] : [{ path: join(below, path), isTracked: below === "", isRepository: mode === "160000" }];
    });
  const untracked = String(others)
    .split("\0")
    .filter((path) => path !== "")
    .map((path) => ({
      path: join(below, path.replace(/\/$/, "")),
      isTracked: false,
      isRepository: path.endsWith("/"),
    }));
  // A conflict lists a file three times.
  const all = [...new Map([...tracked, ...untracked].map((entry) => [entry.path, entry])).values()];
  const repositories = all.filter(({ path, isRepository }) => isRepository && !covered(path));
  const filled = repositories.filter(({ path }) => lstatSync(join(root, path, ".git"), { throwIfNoEntry: false }));
  const inner = await Promise.all(filled.map(({ path }) => list(root, path, covered)));
  return {
    entries: [
      ...all.filter(({ path, isRepository }) => !isRepository && !covered(path)),
      ...inner.flatMap((one) => one.entries),
    ],
    empty: [
      ...repositories.filter((entry) => !filled.includes(entry)).map(({ path }) => path),
      ...inner.flatMap((one) => one.empty),
    ],
  };
}
