import { lstatSync, readFileSync, type Stats } from "node:fs";
import { join } from "node:path";
import type { Trouble } from "../../lib/problem.ts";
import { type Cover, complaintsAbout, ignoredBy, looksLikePointer } from "./contents.ts";
import { git } from "./git.ts";

/** A file of a work tree, or a link. */
export interface WorkFile {
  /** Relative to the folder; one character for each byte, because not every name is UTF-8. */
  readonly path: string;
  readonly bytes: number;
}

/** The current contents of a folder that uses git. */
export interface WorkTree {
  readonly files: readonly WorkFile[];
  readonly bytes: number;
  /** Tracked files that an exclude pattern leaves out, or that were not checked out; paths as in `WorkFile`. */
  readonly leftOut: readonly string[];
  /** Number of those that sparse-checkout leaves out and that are not here. */
  readonly sparse: number;
  /** Problems: files that training would miss. */
  readonly complaints: readonly Trouble[];
}

/** A path, printable for people. */
export function shownPath(path: string): string {
  return Buffer.from(path, "latin1").toString();
}

interface Entry {
  readonly path: string;
  readonly isTracked: boolean;
  /** Left out by sparse-checkout. */
  readonly isSparse: boolean;
}

interface Listed {
  readonly entries: readonly Entry[];
  /** Submodules that were never fetched. */
  readonly empty: readonly string[];
}

/**
 * Lists files that git tracks or would track, so .gitignore applies, without those that `exclude` matches. Other
 * repositories inside, submodules or not, count as folders. Reads only small files.
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

/** Looks up a path; undefined when a tracked folder in it was replaced by a link or a file. */
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
      // A link or a file may have replaced the submodule.
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
  // Git lists a file with a conflict three times.
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
