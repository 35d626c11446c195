import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { writeWhole } from "../../lib/draft.ts";
import type { Trouble } from "../../lib/problem.ts";
import type { StateDir } from "../../lib/state-dir.ts";
import { type ExtraRepo, WORKSPACE } from "../../remote/scripts.ts";
import { fetchParts, repositoryDir, type Source, textsIn, withDraft } from "./cache.ts";
import { git } from "./git.ts";
import { NAMES, type Project, projectIn, READ } from "./project.ts";

/** What a check-out of a commit leaves empty. */
export interface Missing {
  /** Folders that are other repositories. */
  readonly submodules: readonly { readonly path: string; readonly commit: string; readonly url: string }[];
  /** Files of which git has a pointer only; Git LFS has the rest. */
  readonly lfs: readonly string[];
}

/** What there is to know of a commit before anything is rented. */
export interface Contents extends Missing {
  readonly project: Project;
}

/** Larger files are no pointers, and are not fetched for a look at them. */
const SMALL = 4096;
const POINTER = "version https://git-lfs.github.com/spec/v1\n";

/** Looks once at each commit, without its large files and its history; what was found is remembered beside the cache. */
export async function contentsOf(dir: Pick<StateDir, "path">, source: Source, signal?: AbortSignal): Promise<Contents> {
  const file = join(repositoryDir(dir, source.url), `${source.commit}.json`);
  const known = rememberedIn(file);
  if (known?.project !== undefined) return known;
  const found = await withDraft(dir, source.url, async (draft) => {
    await fetchParts(draft, source, `blob:limit=${SMALL}`, signal);
    return { ...(await look(draft, source.commit)), project: await projectAt(draft, source, signal) };
  });
  writeWhole(file, JSON.stringify(found));
  return found;
}

/** What the commit of this repository says of its dependencies. */
export async function projectAt(
  bare: string,
  source: Pick<Source, "commit"> & Partial<Source>,
  signal?: AbortSignal,
): Promise<Project> {
  return projectIn(await textsIn(bare, source, NAMES, READ, signal));
}

/** Without `project` where an earlier version has looked. */
function rememberedIn(file: string): Contents | undefined {
  try {
    return JSON.parse(readFileSync(file, "utf8")) as Contents;
  } catch {
    return undefined;
  }
}

async function look(bare: string, commit: string): Promise<Missing> {
  const rows = String(await git(["ls-tree", "-r", "-z", commit], { dir: bare }))
    .split("\0")
    .flatMap((row) => {
      const [, mode = "", id = "", path = ""] = /^(\d+) \w+ (\w+)\t(.+)$/s.exec(row) ?? [];
      return path === "" ? [] : [{ mode, id, path }];
    });
  const urls = await submoduleUrls(bare, rows.find(({ path }) => path === ".gitmodules")?.id);
  const pointers = await pointersIn(bare);
  return {
    submodules: rows
      .filter(({ mode }) => mode === "160000")
      .map(({ path, id }) => ({ path, commit: id, url: urls.get(path) ?? "" })),
    lfs: rows.filter(({ mode, id }) => mode.startsWith("100") && pointers.has(id)).map(({ path }) => path),
  };
}

async function submoduleUrls(bare: string, blob: string | undefined): Promise<Map<string, string>> {
  if (blob === undefined) return new Map();
  const text = await git(["config", "--blob", blob, "--list", "-z"], { dir: bare }).catch(() => "");
  const entries = String(text)
    .split("\0")
    .map((entry) => entry.split("\n") as [string, string?]);
  const values = (name: string) =>
    new Map(
      entries.flatMap(([key, value]) => {
        const [, section] = new RegExp(`^submodule\\.(.+)\\.${name}$`, "s").exec(key) ?? [];
        return section === undefined ? [] : [[section, value ?? ""] as const];
      }),
    );
  const urls = values("url");
  return new Map([...values("path")].map(([section, path]) => [path, urls.get(section) ?? ""]));
}

/** Ids of the files here that begin as a pointer does. Only asks for what is here, so nothing is fetched. */
async function pointersIn(bare: string): Promise<Set<string>> {
  const all = ["--batch-all-objects", "--unordered"];
  const listed = String(await git(["cat-file", "--batch-check", ...all], { dir: bare }));
  const small = listed.split("\n").flatMap((line) => {
    const [id = "", type, size] = line.split(" ");
    return type === "blob" && Number(size) >= POINTER.length && Number(size) < 1024 ? [id] : [];
  });
  const texts = await git(["cat-file", "--batch"], { dir: bare, input: small.map((id) => `${id}\n`).join("") });
  const pointers = new Set<string>();
  for (let at = 0; at < texts.length; ) {
    const begin = texts.indexOf("\n", at) + 1;
    const [id = "", , size] = texts
      .subarray(at, begin - 1)
      .toString()
      .split(" ");
    const end = begin + Number(size);
    if (looksLikePointer(texts.subarray(begin, end))) pointers.add(id);
    at = end + 1;
  }
  return pointers;
}

/** Is this what git has of a file that Git LFS keeps? */
export function looksLikePointer(text: Buffer): boolean {
  return text.subarray(0, POINTER.length).toString() === POINTER;
}

/** What makes up for what is missing. */
export interface Cover {
  /** Folder of the code on the machine. */
  readonly codeDir: string;
  readonly extraRepos: readonly Pick<ExtraRepo, "path">[];
  /** Patterns of .gitignore: training does without. */
  readonly exclude: readonly string[];
}

/** What training would miss, and what makes up for it. */
export async function complaintsAbout(missing: Missing, cover: Cover): Promise<Trouble[]> {
  const covered = new Set(cover.extraRepos.map(({ path }) => path));
  const open = missing.submodules.filter(
    ({ path }) => !covered.has(`${cover.codeDir}/${path}`) && !covered.has(`${WORKSPACE}/${path.split("/").at(-1)}`),
  );
  const files = missing.lfs.filter(
    (path) => ![...covered].some((folder) => `${cover.codeDir}/${path}`.startsWith(`${folder}/`)),
  );
  const excluded = await ignoredBy(cover.exclude, [...open.map(({ path }) => `${path}/x`), ...files]);
  return [
    ...open.filter(({ path }) => !excluded.has(`${path}/x`)).map((one) => emptySubmodule(one, cover.codeDir)),
    ...pointers(files.filter((path) => !excluded.has(path))),
  ];
}

function emptySubmodule({ path, commit, url }: Missing["submodules"][number], codeDir: string): Trouble {
  const entry = JSON.stringify({ url: url || "https://…", commit, path: `${codeDir}/${path}` });
  const write = `add ${entry} to extraRepos, or ${path}/ to exclude when training does without`;
  return { found: `${path} is a submodule, which a clone leaves empty`, write };
}

function pointers(files: readonly string[]): Trouble[] {
  const [first] = files;
  if (first === undefined) return [];
  const more = files.length === 1 ? "is a pointer" : `and ${files.length - 1} more files are pointers`;
  const folder = first.includes("/") ? `${first.slice(0, first.lastIndexOf("/"))}/` : first;
  const found = `${first} ${more} of Git LFS, which a clone leaves as they are`;
  const write = `bring the files by a repository in extraRepos, or add ${folder} to exclude when training does without`;
  return [{ found, write }];
}

/** Which of these paths a .gitignore with these lines would ignore. */
export async function ignoredBy(patterns: readonly string[], paths: readonly string[]): Promise<Set<string>> {
  if (patterns.length === 0 || paths.length === 0) return new Set();
  const folder = mkdtempSync(join(tmpdir(), "vast-exclude-"));
  try {
    await git(["init", "--quiet", folder]);
    writeFileSync(join(folder, ".git", "info", "exclude"), `${patterns.join("\n")}\n`);
    const words = ["-c", "core.excludesFile=/dev/null", "check-ignore", "--no-index", "-z", "--stdin"];
    // It exits with 1 when nothing matches.
    const input = paths.map((path) => `${path}\0`).join("");
    const output = await git(words, { dir: folder, input }).catch(() => "");
    return new Set(
      String(output)
        .split("\0")
        .filter((path) => path !== ""),
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
