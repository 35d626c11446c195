import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fetchParts, type Source, textsIn, withDraft } from "../../code/git/cache.ts";
import type { StateDir } from "../../lib/state-dir.ts";
import { type Parts, sha256 } from "./plan.ts";
import { dockerfileOf, ignoreFile, type TemplateValues } from "./template.ts";

/** What a build is sent: names and contents. */
export type BuildFiles = Readonly<Record<string, string>>;

/** The files of a build, and what decides whether it is needed. */
export interface Build {
  readonly files: BuildFiles;
  readonly parts: Parts;
}

/** The training repository's own Dockerfile; without one ours is used. */
const OWN_DOCKERFILE = "vast.Dockerfile";
const OWN_IGNORE_FILE = "vast.Dockerfile.dockerignore";
/** Not sent: our Dockerfile holds the version. */
const PYTHON = ".python-version";
const NAMES = ["pyproject.toml", "uv.lock", PYTHON, OWN_DOCKERFILE, OWN_IGNORE_FILE];

/** Check and create of one process want the same files. */
const remembered = new Map<string, Promise<BuildFiles>>();

/**
 * The build at a commit. Only the files it needs are fetched, where the server can send single files. Throws GitError.
 *
 * @param sourceDir where they are here already; "" = nowhere
 */
export async function buildAt(
  dir: Pick<StateDir, "path">,
  source: Source,
  sourceDir: string,
  values: Omit<TemplateValues, "python">,
  signal?: AbortSignal,
): Promise<Build> {
  const found = sourceDir === "" ? await fetchedOnce(dir, source, signal) : filesIn(sourceDir);
  const { [OWN_DOCKERFILE]: own, [OWN_IGNORE_FILE]: ignored, [PYTHON]: python = "", ...rest } = found;
  const { extraRepos } = values;
  const ours = (repositories: typeof extraRepos) =>
    own ?? dockerfileOf({ ...values, python: pythonIn(python), extraRepos: repositories });
  const files = { ...rest, "Dockerfile.dockerignore": ignored ?? ignoreFile() };
  return {
    files: { ...files, Dockerfile: ours(extraRepos) },
    // Each further repository is a part of its own.
    parts: partsOf({ ...files, Dockerfile: ours([]) }, extraRepos),
  };
}

function partsOf(files: BuildFiles, extraRepos: TemplateValues["extraRepos"]): Parts {
  const hashes = Object.entries(files).map(([name, text]) => [name, sha256(text)]);
  return Object.fromEntries([...hashes, ...extraRepos.map(({ path, commit }) => [path, commit])]);
}

/**
 * The version that uv reads from the file: its first line with more than a comment. "" = none, or not a single word.
 */
function pythonIn(text: string): string {
  const lines = text.split("\n").map((line) => line.replace(/#.*/, "").trim());
  const request = lines.find((line) => line !== "") ?? "";
  return /^[\w.@+-]+$/.test(request) ? request : "";
}

async function fetchedOnce(dir: Pick<StateDir, "path">, source: Source, signal?: AbortSignal): Promise<BuildFiles> {
  const key = `${source.url} ${source.commit}`;
  const fetching = remembered.get(key) ?? fetched(dir, source, signal);
  remembered.set(key, fetching);
  return fetching.catch((error) => {
    remembered.delete(key);
    throw error;
  });
}

function filesIn(folder: string): BuildFiles {
  const there = NAMES.filter((name) => existsSync(join(folder, name)));
  return Object.fromEntries(there.map((name) => [name, readFileSync(join(folder, name), "utf8")]));
}

function fetched(dir: Pick<StateDir, "path">, source: Source, signal?: AbortSignal): Promise<BuildFiles> {
  return withDraft(dir, source.url, async (bare) => {
    await fetchParts(bare, source, "blob:none", signal);
    return textsIn(bare, source, NAMES, NAMES, signal);
  });
}
