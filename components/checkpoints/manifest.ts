import { createHash } from "node:crypto";
import { createReadStream, lstatSync } from "node:fs";
import { pipeline } from "node:stream/promises";
import { printable } from "../lib/text.ts";
import { remoteError } from "../ssh/remote-error.ts";
import type { Links } from "./links.ts";

/** A file on the machine. */
export interface ManifestFile {
  readonly size: number;
  /** Lower case hex; null when the file went away while it was read. */
  readonly sha256: string | null;
}

/** Files by relative path. A name is any bytes, so it is kept as latin1 text, one character a byte. */
export type Manifest = ReadonlyMap<string, ManifestFile>;

/** What a machine says of its folder. */
export interface Listing {
  readonly files: Manifest;
  readonly links: Links;
  /** Records that no honest machine writes: names outside the folder, sizes that no disk has. Never touched. */
  readonly lies: readonly string[];
}

/** Reads what manifest.sh prints. Throws RemoteError when it is cut off, or is something else. */
export function parseListing(output: Buffer): Listing {
  const records = output.toString("latin1").split("\0");
  if (records.at(-2) !== "end" || records.at(-1) !== "") throw remoteError("unreachable", "the manifest was cut off");
  if (!records[0]?.endsWith("\nmanifest")) throw unreadable(records[0] ?? "");
  const listing = { files: new Map<string, ManifestFile>(), links: new Map<string, string>(), lies: [] as string[] };
  let link = "";
  for (const record of records.slice(1, -2)) {
    const found = RECORD.exec(record)?.groups;
    if (found === undefined) throw unreadable(record);
    const { size, sized, sha256, hashed, linked, target } = found;
    if (target !== undefined) listing.links.set(link, target);
    else if (isLie(sized ?? hashed ?? linked ?? "", Number(size ?? 0))) listing.lies.push(record);
    else if (linked !== undefined) link = linked;
    else noteFile(listing.files, sized ?? hashed ?? "", sized === undefined ? (sha256 ?? null) : Number(size));
  }
  listing.links.delete("");
  return listing;
}

const RECORD =
  /^(?:s (?<size>\d+) (?<sized>.+)|(?<sha256>[0-9a-f]{64}) [ *]\.\/(?<hashed>.+)|l (?<linked>.+)|t (?<target>.*))$/s;

function noteFile(files: Map<string, ManifestFile>, name: string, fact: number | string | null): void {
  const known = files.get(name);
  if (typeof fact === "number") files.set(name, { size: fact, sha256: null });
  else if (known !== undefined) files.set(name, { ...known, sha256: fact });
}

function unreadable(record: string): Error {
  return remoteError("failed", `the machine's manifest cannot be read at ${printable(record.slice(0, 400), 80)}`);
}

/** More than any file system holds. */
const MOST_BYTES = 2 ** 53;

/** A relative path without `.`, `..` or empty parts: a machine must not name files outside the folder. */
function isLie(name: string, size: number): boolean {
  return size > MOST_BYTES || name.split("/").some((part) => part === "" || part === "." || part === "..");
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
  try {
    const found = lstatSync(path);
    return found.isFile() ? found.size : undefined;
  } catch {
    return undefined; // not there, or of a name that this disk cannot have
  }
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
