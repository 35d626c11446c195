import { type ChildProcess, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, lstatSync, readdirSync, readFileSync, realpathSync, type Stats } from "node:fs";
import { isAbsolute, join, relative, resolve } from "node:path";
import { type Ignored, ignoring } from "./ignore.ts";

/** What is sent to a build: a folder without what its ignore file leaves out. */
export interface BuildContext {
  readonly folder: string;
  /** Relative to the folder. */
  readonly dockerfile: string;
  /** Files, folders and links that are not ignored: relative paths, in the order of a walk. */
  readonly entries: readonly string[];
}

/** Both paths are relative to the program's folder. Throws when the Dockerfile is missing or outside the context. */
export function openContext(folder: string, dockerfile: string): BuildContext {
  if (!existsSync(dockerfile)) {
    const inside = join(folder, dockerfile);
    const hint = existsSync(inside) ? ` Try setting \`dockerfile\` to ${JSON.stringify(inside)}.` : "";
    throw new Error(`could not open dockerfile at relative path ${JSON.stringify(dockerfile)}.${hint}`);
  }
  const name = relative(resolve(folder), resolve(dockerfile));
  if (name.startsWith(".."))
    throw new Error(`this stand-in takes a Dockerfile inside the context only, not ${dockerfile}`);
  return { folder, dockerfile: name, entries: entriesOf(folder, "", ignoreFile(folder, dockerfile)) };
}

/** The Dockerfile's own ignore file is preferred to the context's. */
function ignoreFile(folder: string, dockerfile: string): Ignored {
  const files = [`${dockerfile}.dockerignore`, join(folder, ".dockerignore")];
  const found = files.find((file) => existsSync(file));
  return ignoring(found === undefined ? "" : readFileSync(found, "utf8"));
}

function entriesOf(folder: string, below: string, ignored: Ignored): string[] {
  const found = readdirSync(join(folder, below), { withFileTypes: true });
  found.sort((one, other) => Buffer.compare(Buffer.from(one.name), Buffer.from(other.name)));
  return found.flatMap((entry) => {
    const path = below === "" ? entry.name : `${below}/${entry.name}`;
    const self = ignored.covers(path) ? [] : [path];
    if (!entry.isDirectory() || ignored.coversAllIn(path)) return self;
    return [...self, ...entriesOf(folder, path, ignored)];
  });
}

/**
 * Sha256, hex, of name, mode and content of every file, the Dockerfile first: changes exactly when a build could.
 * Computed as in the official plugin, so that neither takes the other's images for outdated.
 */
export function digestOf({ folder, dockerfile, entries }: BuildContext): string {
  const hash = createHash("sha256");
  const add = (name: string, mode: string, content: Buffer) =>
    hash.update(name).update(mode).update(createHash("sha256").update(content).digest()).update("\0");
  add("Dockerfile", "----------", readFileSync(join(folder, dockerfile)));
  for (const entry of entries) {
    const path = join(folder, entry);
    const stat = lstatSync(path);
    if (!stat.isDirectory()) add(entry, modeOf(stat), contentOf(path, stat));
  }
  return hash.digest("hex");
}

function contentOf(path: string, stat: Stats): Buffer {
  if (stat.isSymbolicLink())
    return Buffer.from(isAbsolute(path) ? realpathSync(path) : relative(".", realpathSync(path)));
  return stat.isFile() ? readFileSync(path) : Buffer.alloc(0);
}

/** As Go writes it: -rwxr-xr-x, L for a link, u, g and t for the special bits. */
function modeOf({ mode }: Stats): string {
  const types: Record<number, string> = { 21609: "L", 2401: "p", 26411: "S", 14406: "D", 4802: "Dc" };
  const special = [0o4000, 0o2000, 0o1000].map((bit, place) => (mode & bit ? "ugt"[place] : "")).join("");
  const letters = [...Array(9).keys()].map((place) => (mode & (0o400 >> place) ? "rwx"[place % 3] : "-"));
  return `${(types[mode & 0o170000] ?? "") + special || "-"}${letters.join("")}`;
}

/** Starts `tar`, which writes the context to its standard output; the Dockerfile goes along, ignored or not. */
export function packContext({ folder, dockerfile, entries }: BuildContext): ChildProcess {
  const always = [dockerfile, ".dockerignore"].filter((name) => existsSync(join(folder, name)));
  const names = [...new Set([...entries, ...always])].map((name) => `./${name}\0`);
  const owner = ["--owner=0", "--group=0", "--numeric-owner"];
  const list = ["--no-recursion", "--null", "--verbatim-files-from", "--files-from=-"];
  const child = spawn("tar", ["--create", ...owner, "--directory", folder, ...list], { stdio: "pipe" });
  child.stdin.on("error", () => {}); // tar ended early, and says why
  child.stdin.end(names.join(""));
  return child;
}
