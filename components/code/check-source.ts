import { statSync } from "node:fs";
import { absolute } from "../lib/path.ts";
import type { Problem } from "../lib/problem.ts";
import { type Check, failed, passed } from "../lib/problem.ts";
import type { StateDir } from "../lib/state-dir.ts";
import { sizeText } from "../lib/text.ts";
import type { Cover } from "./git/contents.ts";
import { git } from "./git/git.ts";
import { largestOf, type Snapshot, takeSnapshot } from "./git/snapshot.ts";
import { listWorkTree, shownPath, type WorkFile, type WorkTree } from "./git/work-tree.ts";

/** The folder to send, and what may be missing in it. */
export interface SourceWanted extends Cover {
  readonly sourceDir: string;
  readonly maxUploadMb: number;
}

/** Takes the folder's files as they are; refused if files would be missing or there are too many bytes. */
export async function checkSource(
  dir: Pick<StateDir, "path">,
  { sourceDir, maxUploadMb, ...cover }: SourceWanted,
  env: NodeJS.ProcessEnv,
): Promise<Check<Snapshot>> {
  const folder = absolute(sourceDir, env);
  if (!statSync(folder, { throwIfNoEntry: false })?.isDirectory()) {
    return failed({ key: "sourceDir", found: `${folder} is not a folder`, write: "the folder of your code" });
  }
  const inside = await git(["rev-parse", "--is-inside-work-tree"], { folder }).catch((error: Error) => error);
  if (inside instanceof Error || String(inside).trim() !== "true") {
    const found = `git does not work in ${folder}${inside instanceof Error ? ` (${inside.message})` : ""}`;
    return failed({ key: "sourceDir", found, write: "a folder in which git is used, or git init it" });
  }
  try {
    const tree = await listWorkTree(folder, cover);
    const problems = [...tooMuch(tree, maxUploadMb), ...tree.complaints.map((lack) => ({ key: "sourceDir", ...lack }))];
    return problems.length > 0 ? { problems } : passed(await takeSnapshot(dir, folder, tree));
  } catch (error) {
    const found = `${folder} cannot be read: ${(error as Error).message}`;
    return failed({ key: "sourceDir", found, write: "mend it, or leave it out by exclude" });
  }
}

function tooMuch(tree: WorkTree, maxUploadMb: number): Problem[] {
  if (tree.files.length === 0)
    return [{ key: "sourceDir", found: "no file is left to send", write: "another folder, or a shorter exclude" }];
  if (tree.bytes <= maxUploadMb * 1e6) return [];
  const found = `${tree.files.length} files have ${sizeText(tree.bytes)}; the largest: ${sizesText(largestOf(tree))}`;
  return [{ key: "maxUploadMb", found, write: "a greater one, or leave them out by exclude or .gitignore" }];
}

/** "data/x.bin 12.0 MB, …" */
export function sizesText(files: readonly WorkFile[]): string {
  return files.map(({ path, bytes }) => `${shownPath(path)} ${sizeText(bytes)}`).join(", ");
}

/** The line that preview prints. */
export function sourceText({ sourceDir, base, files, bytes, sparse, largest, patch }: Snapshot): string {
  const from = base === "" ? "never committed" : `on ${base.slice(0, 7)}${patch.length > 0 ? ", with changes" : ""}`;
  const absent = sparse === 0 ? "" : `, without ${sparse} that are not checked out here (git sparse-checkout list)`;
  return `${files} files, ${sizeText(bytes)}, of ${sourceDir} (${from})${absent}; the largest: ${sizesText(largest)}`;
}
