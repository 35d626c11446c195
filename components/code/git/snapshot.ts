import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { draftOf, writeWhole } from "../../lib/draft.ts";
import type { StateDir } from "../../lib/state-dir.ts";
import { repositoryDir } from "./cache.ts";
import { git } from "./git.ts";
import type { WorkFile, WorkTree } from "./work-tree.ts";

/** The files of a folder at one moment, kept in the state directory: exactly the files that were checked are sent. */
export interface Snapshot {
  readonly sourceDir: string;
  /** Depends on the files alone: the same files give the same commit. */
  readonly commit: string;
  /** The commit checked out in the folder; "" = nothing was ever committed. */
  readonly base: string;
  readonly files: number;
  readonly bytes: number;
  /** Number of files of `base` that sparse-checkout leaves out and that are not sent. */
  readonly sparse: number;
  readonly largest: readonly WorkFile[];
  /** The changes since `base`, for git apply. */
  readonly patch: Buffer;
  readonly patchSha256: string;
}

const LARGEST = 5;
/** No author and no date, so that the same files always give the same commit. */
const NOBODY = {
  GIT_AUTHOR_NAME: "vast-training",
  GIT_AUTHOR_EMAIL: "",
  GIT_AUTHOR_DATE: "2000-01-01T00:00:00Z",
  GIT_COMMITTER_NAME: "vast-training",
  GIT_COMMITTER_EMAIL: "",
  GIT_COMMITTER_DATE: "2000-01-01T00:00:00Z",
};
/** All options are spelled out, because defaults differ between versions of git. */
const PATCH = ["-r", "-p", "--binary", "--unified=3", "--no-renames", "--no-ext-diff", "--no-textconv", "--no-color"];
/** Files stay byte for byte as they are: no line-end conversion, filters or encodings. */
const AS_THEY_ARE = "* -text -filter -ident -eol -working-tree-encoding\n";

/** The repository for snapshots of a folder; it borrows the objects of the folder's own repository. */
export async function snapshotRepository(dir: Pick<StateDir, "path">, sourceDir: string): Promise<string> {
  const bare = join(repositoryDir(dir, sourceDir), "work");
  if (!existsSync(bare)) {
    const draft = draftOf(bare);
    await git(["init", "--quiet", "--bare", "--template="], { bare: draft });
    mkdirSync(join(draft, "info"));
    writeFileSync(join(draft, "info", "attributes"), AS_THEY_ARE);
    try {
      renameSync(draft, bare);
    } catch (error) {
      rmSync(draft, { recursive: true, force: true });
      if (!existsSync(bare)) throw error;
    }
  }
  const objects = await git(["rev-parse", "--path-format=absolute", "--git-path", "objects"], { folder: sourceDir });
  mkdirSync(join(bare, "objects", "info"), { recursive: true });
  writeWhole(join(bare, "objects", "info", "alternates"), `${cQuoted(String(objects).replace(/\n$/, ""))}\n`);
  return bare;
}

/** A path quoted for git's lists of object directories, whatever characters it has. */
export function cQuoted(path: string): string {
  return `"${path.replace(/[\\"]/g, "\\$&").replace(/\n/g, "\\n")}"`;
}

/** Takes the listed files as they are now. */
export async function takeSnapshot(dir: Pick<StateDir, "path">, sourceDir: string, tree: WorkTree): Promise<Snapshot> {
  const bare = await snapshotRepository(dir, sourceDir);
  const index = draftOf(join(bare, "index"));
  const own = ["--work-tree", sourceDir, "-c", "core.fileMode=true", "-c", "core.symlinks=true"];
  const run = (args: readonly string[], input?: Buffer) =>
    git([...own, ...args], {
      bare,
      variables: { GIT_INDEX_FILE: index, ...NOBODY },
      ...(input === undefined ? {} : { input }),
    });
  const text = async (...args: string[]) => String(await run(args)).trim();
  const list = (paths: readonly string[]) => Buffer.from(paths.map((path) => `${path}\0`).join(""), "latin1");
  try {
    await run(["update-index", "--add", "-z", "--stdin"], list(tree.files.map(({ path }) => path)));
    const files = await text("write-tree");
    const commit = await text("commit-tree", files, "-m", "Uncommitted work");
    const base = await headOf(sourceDir);
    // Files left out do not count as changes.
    await run(["read-tree", ...(base === "" ? ["--empty"] : [await baseTree(sourceDir)])]);
    await run(["update-index", "--force-remove", "-z", "--stdin"], list(tree.leftOut));
    const patch = await run(["diff-tree", ...PATCH, await text("write-tree", "--missing-ok"), files]);
    return {
      sourceDir,
      commit,
      base,
      files: tree.files.length,
      bytes: tree.bytes,
      sparse: tree.sparse,
      largest: largestOf(tree),
      patch,
      patchSha256: createHash("sha256").update(patch).digest("hex"),
    };
  } finally {
    rmSync(index, { force: true });
  }
}

/** Deletes objects that no snapshot used for two months: no difference needs them any more. */
export async function forgetOldFiles(bare: string): Promise<void> {
  await git(["prune", "--expire=60.days.ago"], { bare });
}

export function largestOf({ files }: Pick<WorkTree, "files">): WorkFile[] {
  return files.toSorted((one, other) => other.bytes - one.bytes).slice(0, LARGEST);
}

function headOf(dir: string): Promise<string> {
  return git(["rev-parse", "--verify", "--quiet", "HEAD^{commit}"], { folder: dir }).then(
    (id) => String(id).trim(),
    () => "",
  );
}

/** The tree of HEAD for this folder, which may be a subfolder of its repository. */
async function baseTree(dir: string): Promise<string> {
  const tree = await git(["rev-parse", "--verify", "HEAD:./"], { folder: dir }).catch(() => EMPTY_TREE);
  return String(tree).trim();
}

const EMPTY_TREE = "4b825dc642cb6eb9a060e54bf8d69288fbee4904";

/** Path of a snapshot's patch. Applied to its base, the patch gives the same files again. */
export function patchFile(dir: Pick<StateDir, "path">, { commit }: Pick<Snapshot, "commit">): string {
  return join(dir.path, "sources", `${commit}.patch`);
}

/** How to recreate the files of a run: `git apply` of the patch on the base. */
export interface SavedSource {
  readonly sourceDir: string;
  readonly base: string;
  readonly patchFile: string;
  readonly patchSha256: string;
  readonly files: number;
  readonly bytes: number;
}

export function savedSource(dir: Pick<StateDir, "path">, snapshot: Snapshot): SavedSource {
  const { sourceDir, base, patchSha256, files, bytes } = snapshot;
  return { sourceDir, base, patchFile: patchFile(dir, snapshot), patchSha256, files, bytes };
}

/** Saves how to recreate the run's files, beside the state: the commit, the patch and its hash. */
export function saveSource(dir: Pick<StateDir, "path">, snapshot: Snapshot): void {
  const file = patchFile(dir, snapshot);
  mkdirSync(join(dir.path, "sources"), { recursive: true, mode: 0o700 });
  const { patch, largest: _, ...facts } = snapshot;
  if (existsSync(file) && readFileSync(file).equals(patch)) return;
  writeWhole(file, patch);
  writeWhole(file.replace(/\.patch$/, ".json"), `${JSON.stringify(facts, null, 2)}\n`);
}
