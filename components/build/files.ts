import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fetchInto, type Source, withDraft } from "../code/cache.ts";
import { git } from "../code/git.ts";
import type { StateDir } from "../state-dir.ts";
import { type Parts, sha256 } from "./plan.ts";
import { dockerfileOf, ignoreFile, type TemplateValues } from "./template.ts";

/** What a build is sent: names and contents. */
export type BuildFiles = Readonly<Record<string, string>>;

/** Of the training repository; those that it lacks are ours. */
const OWN_DOCKERFILE = "vast.Dockerfile";
const OWN_IGNORE_FILE = "vast.Dockerfile.dockerignore";
const NAMES = ["pyproject.toml", "uv.lock", OWN_DOCKERFILE, OWN_IGNORE_FILE];

const remembered = new Map<string, Promise<BuildFiles>>();

/**
 * The build's files at a commit: only these are fetched, where the server can send single files. Throws GitError.
 *
 * @param sourceDir where they are here already; "" = nowhere
 */
export async function buildFiles(
  dir: Pick<StateDir, "path">,
  source: Source,
  sourceDir: string,
  values: TemplateValues,
  signal?: AbortSignal,
): Promise<BuildFiles> {
  const found = sourceDir === "" ? await fetchedOnce(dir, source, signal) : filesIn(sourceDir);
  const { [OWN_DOCKERFILE]: dockerfile, [OWN_IGNORE_FILE]: ignored, ...rest } = found;
  return {
    ...rest,
    Dockerfile: dockerfile ?? dockerfileOf(values),
    "Dockerfile.dockerignore": ignored ?? ignoreFile(),
  };
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
    const set = (name: string, value: string) => git(["config", name, value], { dir: bare });
    // What is asked for later is fetched from here, file by file.
    await set("remote.origin.url", source.url);
    await set("remote.origin.promisor", "true");
    await set("remote.origin.partialclonefilter", "blob:none");
    await fetchInto(bare, source, ["--filter=blob:none"], signal);
    const listed = await git(["ls-tree", "-z", "--name-only", source.commit, ...NAMES], { dir: bare });
    const names = String(listed)
      .split("\0")
      .filter((name) => name !== "");
    const contents: [string, string][] = [];
    for (const name of names) {
      const options = { dir: bare, login: source.login, signal };
      contents.push([name, String(await git(["cat-file", "blob", `${source.commit}:${name}`], options))]);
    }
    return Object.fromEntries(contents);
  });
}

/** What the image is made from. In our Dockerfile the further repositories are parts of their own. */
export function partsOf(files: BuildFiles, values: TemplateValues): Parts {
  const isOurs = files.Dockerfile === dockerfileOf(values);
  const told = isOurs ? { ...files, Dockerfile: dockerfileOf({ ...values, extraRepos: [] }) } : files;
  const hashes = Object.entries(told).map(([name, text]) => [name, sha256(text)]);
  return Object.fromEntries([...hashes, ...values.extraRepos.map(({ path, commit }) => [path, commit])]);
}
