import { createHash } from "node:crypto";
import { createReadStream, lstatSync } from "node:fs";
import { pipeline } from "node:stream/promises";
import { printable } from "../vast/text.ts";
import { pullError } from "./pull-error.ts";

/** A file on the machine. */
export interface ManifestFile {
  readonly size: number;
  /** Lower case hex; null when the file went away while it was read. */
  readonly sha256: string | null;
}

/** Files by relative path. A name is any bytes, so it is kept as latin1 text, one character a byte. */
export type Manifest = ReadonlyMap<string, ManifestFile>;

/** Reads what manifest.sh prints. Throws PullError when it is cut off, or names what is not below the folder. */
export function parseManifest(output: Buffer): Manifest {
  const records = output.toString("latin1").split("\0");
  if (records.at(-2) !== "end" || records.at(-1) !== "") throw pullError("unreachable", "the manifest was cut off");
  const files = new Map<string, ManifestFile>();
  for (const record of records.slice(0, -2)) {
    const [, size, sized, sha256, hashed] = /^(?:s (\d+) (.+)|([0-9a-f]{64}) [ *]\.\/(.+))$/s.exec(record) ?? [];
    const name = sized ?? hashed;
    if (name === undefined || !isBelow(name)) {
      throw pullError("failed", `the machine's manifest cannot be read at ${printable(record, 80)}`);
    }
    const known = files.get(name);
    if (sized !== undefined) files.set(name, { size: Number(size), sha256: null });
    else if (known !== undefined) files.set(name, { ...known, sha256: sha256 ?? null });
  }
  return files;
}

/** A relative path without `.`, `..` or empty parts: a machine must not name files outside the folder. */
function isBelow(name: string): boolean {
  return name.split("/").every((part) => part !== "" && part !== "." && part !== "..");
}

export function bytesOf(manifest: Manifest): number {
  return [...manifest.values()].reduce((sum, { size }) => sum + size, 0);
}

/** The name for people. */
export function shownName(name: string): string {
  return printable(Buffer.from(name, "latin1").toString("utf8"), 200);
}

/** Where a file of the manifest lies below a folder here. */
function pathOf(folder: string, name: string): Buffer {
  return Buffer.concat([Buffer.from(`${folder}/`), Buffer.from(name, "latin1")]);
}

/** Bytes that a folder here still lacks; a file of the right size is taken for the right file. */
export function bytesMissing(manifest: Manifest, folder: string): number {
  return [...manifest].reduce((sum, [name, { size }]) => sum + (sizeOf(pathOf(folder, name)) === size ? 0 : size), 0);
}

function sizeOf(path: Buffer): number | undefined {
  const found = lstatSync(path, { throwIfNoEntry: false });
  return found?.isFile() ? found.size : undefined;
}

/** Names of the files whose copy in a folder here is not what the manifest says. */
export async function differing(
  manifest: Manifest,
  folder: string,
  onChecked: (bytes: number) => void = () => {},
): Promise<string[]> {
  const names: string[] = [];
  let checked = 0;
  for (const [name, file] of manifest) {
    if (!(await isSame(pathOf(folder, name), file))) names.push(name);
    checked += file.size;
    onChecked(checked);
  }
  return names;
}

async function isSame(path: Buffer, { size, sha256 }: ManifestFile): Promise<boolean> {
  if (sha256 === null || sizeOf(path) !== size) return false;
  const hash = createHash("sha256");
  await pipeline(createReadStream(path), hash);
  return hash.digest("hex") === sha256;
}
