import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { writeWhole } from "../../lib/draft.ts";
import { ABSOLUTE } from "../../lib/path.ts";
import type { Trouble } from "../../lib/problem.ts";
import type { StateDir } from "../../lib/state-dir.ts";
import { type ExtraRepo, WORKSPACE } from "../../remote/scripts.ts";
import { fetchParts, repositoryDir, type Source, textsIn, withDraft } from "./cache.ts";
import { git } from "./git.ts";
import { NAMES, type Project, projectIn, READ } from "./project.ts";
import { REPO, resolvedUrl } from "./url.ts";

/** Files that a check-out of a commit lacks. */
export interface Missing {
  /** Folders that are other repositories. */
  readonly submodules: readonly { readonly path: string; readonly commit: string; readonly url: string }[];
  /** Files that are only a pointer in git; Git LFS holds their contents. */
  readonly lfs: readonly string[];
}

/** Everything we need to know of a commit before anything is rented. */
export interface CommitContents extends Missing {
  readonly project: Project;
}

/** Bytes. Larger files cannot be pointers, so they need not be fetched. */
const SMALL = 4096;
const POINTER = "version https://git-lfs.github.com/spec/v1\n";

/** Looks at each commit only once, without its large files and history; the result is kept beside the cache. */
export async function contentsOf(
  dir: Pick<StateDir, "path">,
  source: Source,
  signal?: AbortSignal,
): Promise<CommitContents> {
  const file = join(repositoryDir(dir, source.url), `${source.commit}.json`);
  const known = rememberedIn(file);
  if (known?.project !== undefined) return known;
  const found = await withDraft(dir, source.url, async (draft) => {
    await fetchParts(draft, source, `blob:limit=${SMALL}`, signal);
    return { ...(await look(draft, source)), project: await projectAt(draft, source, signal) };
  });
  writeWhole(file, JSON.stringify(found));
  return found;
}

/** What the commit says about its dependencies. */
export async function projectAt(
  bare: string,
  source: Pick<Source, "commit"> & Partial<Source>,
  signal?: AbortSignal,
): Promise<Project> {
  return projectIn(await textsIn(bare, source, NAMES, READ, signal));
}

/** Without `project` if an earlier version has written it. */
function rememberedIn(file: string): CommitContents | undefined {
  try {
    return JSON.parse(readFileSync(file, "utf8")) as CommitContents;
  } catch {
    return undefined;
  }
}

async function look(bare: string, { url, commit }: Source): Promise<Missing> {
  const rows = String(await git(["ls-tree", "-r", "-z", commit], { bare }))
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
      .map(({ path, id }) => ({ path, commit: id, url: resolvedUrl(url, urls.get(path) ?? "") })),
    lfs: rows.filter(({ mode, id }) => mode.startsWith("100") && pointers.has(id)).map(({ path }) => path),
  };
}

async function submoduleUrls(bare: string, blob: string | undefined): Promise<Map<string, string>> {
  if (blob === undefined) return new Map();
  const text = await git(["config", "--blob", blob, "--list", "-z"], { bare }).catch(() => "");
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

/** Ids of local files that begin like a pointer. Fetches nothing. */
async function pointersIn(bare: string): Promise<Set<string>> {
  const all = ["--batch-all-objects", "--unordered"];
  const listed = String(await git(["cat-file", "--batch-check", ...all], { bare }));
  const small = listed.split("\n").flatMap((line) => {
    const [id = "", type, size] = line.split(" ");
    return type === "blob" && Number(size) >= POINTER.length && Number(size) < 1024 ? [id] : [];
  });
  const texts = await git(["cat-file", "--batch"], { bare, input: small.map((id) => `${id}\n`).join("") });
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

/** Is this the pointer that git holds for a file in Git LFS? */
export function looksLikePointer(text: Buffer): boolean {
  return text.subarray(0, POINTER.length).toString() === POINTER;
}

/** Settings that supply missing files or say that they are not needed. */
export interface Cover {
  /** Folder of the code on the machine. */
  readonly codeDir: string;
  readonly extraRepos: readonly Pick<ExtraRepo, "path">[];
  /** Patterns of .gitignore: files that training does not need. */
  readonly exclude: readonly string[];
}

/** The files that training would miss, and how to supply them. */
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

/** The suggestion can be pasted as it is, so it never contains a value that the config would refuse. */
function emptySubmodule({ path, commit, url }: Missing["submodules"][number], codeDir: string): Trouble {
  const place = `${codeDir}/${path}`;
  const isEntry = REPO.test(url) && ABSOLUTE.test(place) && commit !== "";
  const entry = isEntry ? `add ${JSON.stringify({ url, commit, path: place })} to` : "bring it by";
  const why = isEntry || url === "" ? "" : ` (its URL: ${url})`;
  const write = `${entry} extraRepos, or add ${pattern(`${path}/`)} to exclude when training does without`;
  return { found: `${path} is a submodule, which a clone leaves empty${why}`, write };
}

function pointers(files: readonly string[]): Trouble[] {
  const [first] = files;
  if (first === undefined) return [];
  const more = files.length === 1 ? "is a pointer" : `and ${files.length - 1} more files are pointers`;
  const folder = first.includes("/") ? `${first.slice(0, first.lastIndexOf("/"))}/` : first;
  const found = `${first} ${more} of Git LFS, which a clone leaves as they are`;
  const write = `bring the files by a repository in extraRepos, or add ${pattern(folder)} to exclude when training does without`;
  return [{ found, write }];
}

/** A path as a line of .gitignore, quoted if a stack config needs that. */
function pattern(path: string): string {
  const line = path.replace(/[\\*?[\]]|^[#!]| $/g, "\\$&");
  return /^[\w./-]+$/.test(line) ? line : JSON.stringify(line);
}

/** Which of these paths a .gitignore with these lines would ignore. */
export async function ignoredBy(
  patterns: readonly string[],
  paths: readonly string[],
  encoding: "utf8" | "latin1" = "utf8",
): Promise<Set<string>> {
  if (patterns.length === 0 || paths.length === 0) return new Set();
  const folder = mkdtempSync(join(tmpdir(), "vast-exclude-"));
  try {
    const bare = join(folder, ".git");
    await git(["init", "--quiet", "--template="], { bare });
    mkdirSync(join(bare, "info"));
    writeFileSync(join(bare, "info", "exclude"), `${patterns.join("\n")}\n`);
    const words = ["--work-tree", folder, "check-ignore", "--no-index", "-z", "--stdin"];
    // It exits with 1 when nothing matches.
    const input = Buffer.from(paths.map((path) => `${path}\0`).join(""), encoding);
    const output = await git(words, { bare, input }).catch(() => Buffer.of());
    return new Set(
      output
        .toString(encoding)
        .split("\0")
        .filter((path) => path !== ""),
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
