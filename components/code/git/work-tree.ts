import { lstatSync, readFileSync, type Stats } from "node:fs";
import { join } from "node:path";
import type { Trouble } from "../../lib/problem.ts";
import { type Cover, complaintsAbout, ignoredBy, looksLikePointer } from "./contents.ts";
import { git } from "./git.ts";

/** A file of a work tree, or a link. */
export interface WorkFile {
  /** Relative to the folder; its bytes, a character each, because not every name is UTF-8. */
  readonly path: string;
  readonly bytes: number;
}

/** What is in a folder in which git is used, as it is now. */
export interface WorkTree {
  readonly files: readonly WorkFile[];
  readonly bytes: number;
  /** Tracked, and left out by a pattern or not checked out; paths as above. */
  readonly leftOut: readonly string[];
  /** How many of these git was told not to check out (sparse-checkout), and are not here. */
  readonly sparse: number;
  /** What training would miss. */
  readonly complaints: readonly Trouble[];
}

/** A path for people. */
export function shownPath(path: string): string {
  return Buffer.from(path, "latin1").toString();
}

interface Entry {
  readonly path: string;
  readonly isTracked: boolean;
  /** git was told not to check it out. */
  readonly isSparse: boolean;
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
    "latin1",
  );
  const at = lookIn(folder);
  const kept = entries.filter(({ path }) => !excluded.has(path));
  const files = kept.flatMap(({ path }) => {
    const found = at(path);
    return found?.isFile() || found?.isSymbolicLink() ? [{ path, bytes: found.size, isFile: found.isFile() }] : [];
  });
  const sparse = kept.filter(({ path, isSparse }) => isSparse && at(path) === undefined);
  const lfs = files.filter(({ path, bytes, isFile }) => isFile && bytes < 1024 && isPointer(bytesOf(folder, path)));
  const submodules = empty.map((path) => ({ path: shownPath(path), commit: "", url: "" }));
  const out = entries.filter(({ path, isTracked }) => isTracked && excluded.has(path));
  return {
    files: files.map(({ path, bytes }) => ({ path, bytes })),
    bytes: files.reduce((sum, { bytes }) => sum + bytes, 0),
    leftOut: [...out, ...sparse.filter(({ isTracked }) => isTracked)].map(({ path }) => path),
    sparse: sparse.length,
    complaints: await complaintsAbout({ submodules, lfs: lfs.map(({ path }) => shownPath(path)) }, cover),
  };
}

function bytesOf(folder: string, path: string): Buffer {
  return Buffer.concat([Buffer.from(`${folder}/`), Buffer.from(path, "latin1")]);
}

/** What is at a path; nothing is behind a link or a file that has taken the place of a tracked folder. */
function lookIn(folder: string): (path: string) => Stats | undefined {
  const folders = new Map<string, boolean>([["", true]]);
  const isFolder = (path: string): boolean => {
    const known = folders.get(path) ?? at(path)?.isDirectory() === true;
    folders.set(path, known);
    return known;
  };
  const at = (path: string) => {
    const above = path.slice(0, Math.max(path.lastIndexOf("/"), 0));
    return isFolder(above) ? lstatSync(bytesOf(folder, path), { throwIfNoEntry: false }) : undefined;
  };
  return at;
}

function isPointer(file: Buffer): boolean {
  try {
    return looksLikePointer(readFileSync(file));
  } catch {
    return false;
  }
}

async function list(root: string, below: string, covered: (path: string) => boolean): Promise<Listed> {
  const dir = join(root, shownPath(below));
  const at = lookIn(root);
  const [cached, others] = await Promise.all([
    git(["ls-files", "-t", "--stage", "-z"], { folder: dir }),
    git(["ls-files", "--others", "--exclude-standard", "-z"], { folder: dir }),
  ]);
  const tracked = cached
    .toString("latin1")
    .split("\0")
    .flatMap((row) => {
      const [, tag, mode, name = ""] = /^(\w) (\d+) \w+ \d\t(.+)$/s.exec(row) ?? [];
      const path = below + name;
      const isSparse = tag === "S";
      // A link or a file may have taken the place of a submodule.
      const isRepository = mode === "160000" && (at(path)?.isDirectory() ?? !isSparse);
      return name === "" ? [] : [{ path, isTracked: below === "", isRepository, isSparse }];
    });
  const untracked = others
    .toString("latin1")
    .split("\0")
    .filter((path) => path !== "")
    .map((path) => ({
      path: below + path.replace(/\/$/, ""),
      isTracked: false,
      isSparse: false,
      isRepository: path.endsWith("/"),
    }));
  // A conflict lists a file three times.
  const all = [...new Map([...tracked, ...untracked].map((entry) => [entry.path, entry])).values()];
  const repositories = all.filter(({ path, isRepository }) => isRepository && !covered(path));
  const filled = repositories.filter(({ path }) => at(`${path}/.git`) !== undefined);
  const inner = await Promise.all(filled.map(({ path }) => list(root, `${path}/`, covered)));
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
