import { printable } from "../lib/text.ts";
import { remoteError } from "../ssh/remote-error.ts";
import type { Links } from "./links.ts";
import type { Content } from "./store/files.ts";

/** A file on the machine; `sha256` is null when it went away while it was read, or nobody asked. */
export interface ManifestFile extends Content {
  /** What it takes on disk, bytes: less than its size where it has holes. */
  readonly onDisk: number;
  /** Another one whenever somebody has written to it or made it anew. */
  readonly stamp: string;
}

/** Files by relative path, latin1. */
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
  const files = new Map<string, ManifestFile>();
  const listing = { files, links: new Map<string, string>(), lies: [] as string[] };
  let link = "";
  for (const record of records.slice(1, -2)) {
    const found = RECORD.exec(record)?.groups;
    if (found === undefined) throw unreadable(record);
    const { size, blocks, stamp = "", sized, sha256, hashed, linked, target } = found;
    if (target !== undefined) listing.links.set(link, target);
    else if (isLie(sized ?? hashed ?? linked ?? "", Number(size ?? 0))) listing.lies.push(record);
    else if (linked !== undefined) link = linked;
    else if (sized !== undefined) files.set(sized, fileOf(Number(size), Number(blocks), stamp));
    else noteHash(files, hashed ?? "", sha256 ?? null);
  }
  listing.links.delete("");
  return listing;
}

const RECORD =
  /^(?:s (?<size>\d+) (?<blocks>\d+) (?<stamp>\d+ -?[\d.]+) (?<sized>.+)|(?<sha256>[0-9a-f]{64}) [ *]\.\/(?<hashed>.+)|l (?<linked>.+)|t (?<target>.*))$/s;

function fileOf(size: number, blocks: number, stamp: string): ManifestFile {
  return { size, sha256: null, onDisk: Math.min(blocks * 512, size), stamp };
}

function noteHash(files: Map<string, ManifestFile>, name: string, sha256: string | null): void {
  const known = files.get(name);
  if (known !== undefined) files.set(name, { ...known, sha256 });
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
