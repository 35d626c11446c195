import { execFileSync, spawnSync } from "node:child_process";
import {
  existsSync,
  globSync,
  lstatSync,
  mkdirSync,
  readlinkSync,
  realpathSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";

/** What an image without any registry below it is made of: programs of this machine with their libraries. */
export interface BaseSpec {
  /** Programs, by name on PATH or by path, beside a shell and what every script needs. */
  programs?: readonly string[];
  /** Further files and folders of this machine, absolute, taken whole, with what their programs and modules load. */
  paths?: readonly string[];
}

const always = "bash sh cat cp mv rm mkdir ls ln chmod echo sleep true false head tail sha256sum env".split(" ");

/**
 * Writes a tar of a small root to a file. Links stay links, so a program's libraries are taken under the name that it
 * asks for and under their own.
 * @param folder empty, for what is laid out on the way
 */
export function writeBase(folder: string, { programs = [], paths = [] }: BaseSpec): string {
  const root = join(folder, "root");
  for (const name of ["etc", "proc", "dev", "sys", "root", "usr/bin", "usr/lib"])
    mkdirSync(join(root, name), { recursive: true });
  mkdirSync(join(root, "tmp"), { mode: 0o777 });
  writeFileSync(join(root, "etc/passwd"), "root:x:0:0:root:/root:/bin/bash\n");
  writeFileSync(join(root, "etc/group"), "root:x:0:\n");
  for (const name of ["bin", "sbin", "lib", "lib64"]) linkLike(root, name);
  const found = [...always, ...programs].map(programFile);
  const targets = found.map((file) => realpathSync(file));
  const folders = paths.map(inUsr);
  const single = [...found, ...targets, ...libraries([...targets, ...loadable(paths)])];
  // Whatever is in the list twice would be a link to itself.
  const files = new Set([...single.filter((file) => !isBelow(file, folders)), ...folders]);
  const tar = join(folder, "base.tar");
  const list = [...files].map((file) => file.slice(1)).join("\n");
  const words = ["--create", "--file", tar, "--directory", root, ".", "--directory", "/", "--files-from", "-"];
  execFileSync("tar", words, { input: list });
  return tar;
}

function linkLike(root: string, name: string): void {
  if (lstatSync(`/${name}`, { throwIfNoEntry: false })?.isSymbolicLink()) {
    symlinkSync(readlinkSync(`/${name}`), join(root, name));
  }
}

function isBelow(file: string, folders: readonly string[]): boolean {
  return folders.some((folder) => file.startsWith(`${folder}/`));
}

function programFile(name: string): string {
  if (name.startsWith("/")) return name;
  const found = ["/usr/bin", "/usr/sbin"].map((folder) => join(folder, name)).find((file) => existsSync(file));
  if (found === undefined) throw new Error(`${name} is not installed, so no image can have it.`);
  return found;
}

function loadable(paths: readonly string[]): string[] {
  return paths.flatMap((path) => {
    const inside = statSync(path).isDirectory() ? globSync(join(path, "**", "*.so")) : [path];
    return inside.filter((file) => statSync(file, { throwIfNoEntry: false })?.isFile());
  });
}

/** ldd fails over a script among them, and has told of the others all the same. */
function libraries(files: readonly string[]): string[] {
  const { stdout } = spawnSync("ldd", files, { encoding: "utf8" });
  const paths = [...stdout.matchAll(/(?:=> |^\s+)(\/\S+) \(/gm)].map(([, path = ""]) => path);
  return [...new Set(paths)].flatMap((path) => [inUsr(path), realpathSync(path)]);
}

/** The path with its folders' links resolved, the last name kept. */
function inUsr(path: string): string {
  return join(realpathSync(dirname(path)), basename(path));
}
