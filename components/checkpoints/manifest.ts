import { printable } from "../lib/text.ts";
import { remoteError } from "../ssh/remote-error.ts";
import type { Links, RefusedLink } from "./links.ts";
import type { Content } from "./store/files.ts";

/** A file on the machine; `sha256` is null when it vanished while it was read, or was not asked for. */
export interface ManifestFile extends Content {
  /** What it takes on disk, bytes: less than its size where it has holes. */
  readonly onDisk: number;
  /** Inode, mtime and ctime (in seconds): differs whenever the file was written to or made anew. */
  readonly stamp: string;
}

/** Files by relative path, latin1. */
export type Manifest = ReadonlyMap<string, ManifestFile>;

/** A process on the machine. */
export interface Writer {
  readonly pid: number;
  /** Its command's name, printable. */
  readonly command: string;
}

/** A listing of a machine's folder and of what its links lead to. */
export interface Listing {
  /** The machine's clock when it began to look, seconds since 1970. */
  readonly now: number;
  readonly files: Manifest;
  readonly links: Links;
  /** Links that were not followed. */
  readonly refused: readonly RefusedLink[];
  /** Processes that held one of the files open for writing. */
  readonly writers: readonly Writer[];
  /** Impossible records: names outside the folder, sizes that no disk has. Never touched. */
  readonly lies: readonly string[];
}

/** Reads what manifest.sh prints. Throws RemoteError when it is cut off, or not a manifest. */
export function parseListing(output: Buffer): Listing {
  const records = output.toString("latin1").split("\0");
  if (records.at(-2) !== "end" || records.at(-1) !== "") throw remoteError("unreachable", "the manifest was cut off");
  if (!records[0]?.endsWith("\nmanifest")) throw unreadable(records[0] ?? "");
  const reader = new Reader();
  for (const record of records.slice(1, -2)) reader.read(record);
  return reader;
}

/** Listens to a listing with sums, and calls `listed` once with what comes before them, as a listing without sums. */
export function beforeSums(listed: (listing: Listing) => void): (chunk: Buffer) => void {
  const chunks: string[] = [];
  let isListed = false;
  return (chunk) => {
    if (isListed) return;
    const text = chunk.toString("latin1");
    // The mark may be cut in two.
    const isThere = `${chunks.at(-1)?.slice(1 - SUMS.length) ?? ""}${text}`.includes(SUMS);
    chunks.push(text);
    if (!isThere) return;
    isListed = true;
    const [before = ""] = chunks.join("").split(SUMS, 1);
    try {
      listed(parseListing(Buffer.from(`${before}\0end\0`, "latin1")));
    } catch {
      // It is read again when it is whole, and what is wrong with it is said then.
    }
  };
}

/** No name can be mistaken for it: every name has a kind before it. */
const SUMS = "\0sums\0";

const RECORD = new RegExp(
  [
    String.raw`^(?:sums|n (?<now>\d+(?:\.\d+)?)`,
    String.raw`w (?<pid>\d+) (?<command>.+)`,
    String.raw`s (?<size>\d+) (?<blocks>\d+) (?<stamp>\d+ -?[\d.]+ -?[\d.]+) (?:\./)?(?<sized>.+)`,
    String.raw`(?<sha256>[0-9a-f]{64}) [ *](?:\./)?(?<hashed>.+)`,
    String.raw`l (?:\./)?(?<linked>.+)`,
    String.raw`e \.(?:/(?<end>.+))?`,
    String.raw`x (?<why>\w+) \.(?:/(?<refused>.+))?`,
    "t (?<target>.*))$",
  ].join("|"),
  "s",
);

class Reader implements Listing {
  now = 0;
  readonly files = new Map<string, ManifestFile>();
  readonly links = new Map<string, string>();
  readonly refused: RefusedLink[] = [];
  readonly writers: Writer[] = [];
  readonly lies: string[] = [];
  /** The link that the next record is about. */
  #link: { readonly name: string; readonly why: string } | undefined;

  read(record: string): void {
    const found = RECORD.exec(record)?.groups;
    if (found === undefined) throw unreadable(record);
    const { sized, hashed, linked, end, refused } = found;
    const link = this.#link;
    this.#link = undefined;
    const name = sized ?? hashed ?? linked ?? end ?? refused;
    if (name !== undefined && isLie(name, Number(found.size ?? 0))) this.lies.push(record);
    else if (sized !== undefined) this.files.set(sized, fileOf(found));
    else if (hashed !== undefined) this.#noteHash(hashed, found.sha256 ?? null);
    else if (linked !== undefined) this.#link = { name: linked, why: "" };
    else if (found.why !== undefined) this.#link = { name: refused ?? "", why: found.why };
    else if (found.now !== undefined) this.now = Number(found.now);
    else if (found.pid !== undefined) this.writers.push(writerOf(found));
    else if (link !== undefined) this.#noteLink(link, end ?? "", found.target);
  }

  #noteHash(name: string, sha256: string | null): void {
    const known = this.files.get(name);
    if (known !== undefined) this.files.set(name, { ...known, sha256 });
  }

  #noteLink({ name, why }: { name: string; why: string }, end: string, target: string | undefined): void {
    if (target === undefined && why === "") this.links.set(name, end);
    if (target !== undefined && why !== "") this.refused.push({ name, why, end: target });
  }
}

type Found = Readonly<Record<string, string | undefined>>;

function fileOf({ size, blocks, stamp = "" }: Found): ManifestFile {
  return { size: Number(size), sha256: null, onDisk: Math.min(Number(blocks) * 512, Number(size)), stamp };
}

function writerOf({ pid, command = "" }: Found): Writer {
  return { pid: Number(pid), command: printable(command, 40) };
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
