import { execFile, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import {
  copyFileSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { cacheDir, madeOnce } from "./cache.ts";
import { UV_VERSION, uvBinary } from "./uv.ts";

const run = promisify(execFile);

/** The folder's name is the repository's. */
export const EXAMPLE = "tiny-train";
const source = join(import.meta.dirname, "../../examples", EXAMPLE);

/** Holds a folder for each branch other than main, with the files that differ there. Not part of the repository. */
const BRANCHES = "branches";

/** Files that working in the folder leaves behind. */
const generated = /(^|\/)(__pycache__|\.(?!gitignore$).+|uv\.lock|checkpoints)(\/|$)/;

export interface RepositoryFile {
  readonly path: string;
  /** As git writes it. */
  readonly mode: "100644" | "120000";
  readonly content: Buffer;
}

/** The files of the example's main branch, with the lock that uv makes for it. */
export async function exampleFiles(): Promise<RepositoryFile[]> {
  const files = filesOf(source).filter(({ path }) => !path.startsWith(`${BRANCHES}/`));
  const lock = readFileSync(join(await lockFolder(), "uv.lock"));
  return [...files, { path: "uv.lock", mode: "100644", content: lock }];
}

/**
 * Makes a new bare repository of the example in a folder, with branches main and jan. The same files give the same
 * commits everywhere. Any commit may be fetched by its id, as on GitHub.
 */
export async function exampleRepository(folder: string): Promise<string> {
  const stream = importStream(await exampleFiles());
  mkdirSync(dirname(folder), { recursive: true });
  const work = mkdtempSync(`${folder}.part-`);
  try {
    await run("git", ["init", "--quiet", "--bare", "--initial-branch=main", work]);
    await run("git", ["-C", work, "config", "uploadpack.allowAnySHA1InWant", "true"]);
    await fastImport(work, stream);
    rmSync(folder, { recursive: true, force: true });
    renameSync(work, folder);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  return folder;
}

function filesOf(root: string): RepositoryFile[] {
  const paths = readdirSync(root, { recursive: true, encoding: "utf8" }).filter((path) => !generated.test(path));
  return paths.sort().flatMap((path): RepositoryFile[] => {
    const full = join(root, path);
    const found = lstatSync(full);
    if (found.isSymbolicLink()) return [{ path, mode: "120000", content: Buffer.from(readlinkSync(full)) }];
    return found.isFile() ? [{ path, mode: "100644", content: readFileSync(full) }] : [];
  });
}

/** No lock is committed with the example, because a lock names the host of the package index. */
function lockFolder(): Promise<string> {
  const project = join(source, "pyproject.toml");
  const recipe = createHash("sha256").update(UV_VERSION).update(readFileSync(project)).digest("hex").slice(0, 16);
  return madeOnce(join(cacheDir(), "images", `lock-${recipe}`), async (work) => {
    copyFileSync(project, join(work, "pyproject.toml"));
    const cache = join(work, "cache");
    const env = {
      ...process.env,
      UV_CACHE_DIR: cache,
      UV_PYTHON_DOWNLOADS: "never",
      UV_SYSTEM_CERTS: "1",
      VIRTUAL_ENV: undefined,
    };
    await run(uvBinary(), ["lock", "--quiet", "--project", work, "--no-config"], { cwd: work, env });
    rmSync(cache, { recursive: true, force: true });
  });
}

/** Input of `git fast-import`. */
function importStream(main: RepositoryFile[]): Buffer {
  const branches = join(source, BRANCHES);
  const names = existsSync(branches) ? readdirSync(branches).sort() : [];
  return Buffer.concat([
    commit("main", "Train a small language model", [], main),
    ...names.map((name) =>
      commit(name, `Try what ${name} wants to try`, ["from refs/heads/main"], filesOf(join(branches, name))),
    ),
  ]);
}

function commit(branch: string, message: string, from: string[], files: RepositoryFile[]): Buffer {
  const who = "Tiny Train <tiny-train@example.org> 1767225600 +0000";
  const head = [
    `commit refs/heads/${branch}`,
    `author ${who}`,
    `committer ${who}`,
    `data ${Buffer.byteLength(message)}`,
  ];
  const lines = Buffer.from(`${[...head, message, ...from].join("\n")}\n`);
  const changes = files.flatMap(({ path, mode, content }) => [
    Buffer.from(`M ${mode} inline ${path}\ndata ${content.length}\n`),
    content,
    Buffer.from("\n"),
  ]);
  return Buffer.concat([lines, ...changes]);
}

function fastImport(repository: string, stream: Buffer): Promise<void> {
  const child = spawn("git", ["-C", repository, "fast-import", "--quiet"], { stdio: ["pipe", "ignore", "pipe"] });
  let words = "";
  child.stderr.on("data", (chunk) => {
    words += chunk;
  });
  child.stdin.on("error", () => {}); // the exit code reports it
  child.stdin.end(stream);
  return new Promise((done, failed) => {
    child.once("error", failed);
    child.once("close", (code) => (code === 0 ? done() : failed(new Error(`git fast-import: ${words.trim()}`))));
  });
}
