import { mkdirSync, truncateSync } from "node:fs";
import { sizeText } from "../lib/text.ts";
import { together } from "../programs/together.ts";
import { remoteError } from "../ssh/remote-error.ts";
import type { Login } from "../ssh/run-script.ts";
import { Arrivals } from "./copy/arrivals.ts";
import type { Pace } from "./copy/pace.ts";
import { copy } from "./copy/rsync.ts";
import type { Manifest } from "./manifest.ts";
import { pathOf, sizeAt } from "./store/files.ts";
import { bytesOf } from "./store/record.ts";
import { bytesLacking, checkRoom, type Store } from "./store/store.ts";
import { Sums } from "./store/sums.ts";

/** A machine's files that are to be in a store. */
export interface Fetch {
  /** Folder on the machine. */
  readonly from: string;
  readonly files: Manifest;
  /** Waits until the machine has hashed them; default: `files` have their sums. */
  readonly hashed?: (signal: AbortSignal) => Promise<Manifest>;
  /** Compare contents instead of size and time; default false. */
  readonly checksum?: boolean;
  /** For logs and texts, which may grow: they are sent compressed, and cut to the size at which they were listed. */
  readonly growing?: boolean;
  /** The slowest copy that is accepted; default 1 MB in 5 minutes. */
  readonly pace?: Pace | undefined;
  readonly progress: (text: string) => void;
  /** Told how many bytes will come, counted as on the machine's disk. */
  readonly fetching?: (bytes: number) => void;
  readonly signal?: AbortSignal | undefined;
}

/** Throws `disk_full` when what is not yet at home of these files would not fit there. */
export function checkRoomFor(home: string, files: Manifest): void {
  checkRoom(
    home,
    bytesLacking(home, files, (name) => files.get(name)?.onDisk ?? 0),
  );
}

/** The error for files that differ from the machine's after so many copies. @param names as text */
export function mismatch(names: string, copies: number): Error {
  return remoteError("mismatch", `${names} differ after ${copies} copies: what arrived here is not what is there`);
}

/** What became of a fetch. */
export interface Fetched {
  /** With their sums on the machine. */
  readonly files: Manifest;
  /** Names of those that did not arrive intact. */
  readonly wrong: readonly string[];
}

/**
 * Copies what the store lacks, verifies and keeps it. What is certainly lacking is copied, and hashed as it arrives, while
 * the machine hashes and what is home is hashed here; the rest follows once the sums of both sides are known.
 */
export async function fetchInto(store: Store, machine: Login, what: Fetch): Promise<Fetched> {
  const { progress, signal } = what;
  const sums = new Sums();
  const missing = store.missing(what.files);
  const comparing = comparingText(what.files);
  const [files] = await together(
    signal,
    (stop) => sumsOf(what, stop),
    // The copy has more to say.
    (stop) => store.hash(what.files, sums, (bytes) => missing.length > 0 || progress(comparing(bytes)), stop),
    (stop) => bring(store, machine, { ...what, signal: stop }, missing, sums),
  );
  const lacking = await store.lacking(files, sums);
  const come = new Set(missing);
  const rest = lacking.filter((name) => !come.has(name));
  await bring(store, machine, { ...what, files }, rest, sums);
  if (lacking.length === 0) return { files, wrong: [] };
  store.begin(files, lacking);
  return { files, wrong: await store.take(files, lacking, (bytes) => progress(`verifying ${sizeText(bytes)}`), sums) };
}

function comparingText(files: Manifest): (bytes: number) => string {
  // Computed once: it is needed for each file.
  const all = bytesOf(files);
  return (bytes) => `comparing ${Math.floor((100 * bytes) / Math.max(all, 1))} % of ${sizeText(all)}`;
}

/** The files as the machine lists them with their sums; one that is gone by then has none. */
async function sumsOf({ files, hashed }: Fetch, signal: AbortSignal): Promise<Manifest> {
  if (hashed === undefined) return files;
  const found = await hashed(signal);
  return new Map([...files].map(([name, file]) => [name, found.get(name) ?? file]));
}

/** Copies these files to where the store takes them from. */
async function bring(store: Store, machine: Login, what: Fetch, names: readonly string[], sums: Sums): Promise<void> {
  const { from, files, checksum = false, growing = false, pace, progress, signal, fetching } = what;
  if (names.length === 0) return;
  const onDisk = (name: string) => files.get(name)?.onDisk ?? 0;
  store.checkRoom(files, names, onDisk);
  const sizes = new Map(names.map((name) => [name, files.get(name)?.size ?? 0]));
  const bytes = names.reduce((sum, name) => sum + onDisk(name), 0);
  fetching?.(bytes);
  const to = store.incoming;
  mkdirSync(to, { recursive: true });
  const arrivals = new Arrivals(to, sizes, sums);
  const begins = (name: string) => arrivals.begin(name);
  const order = { from, to, sizes, onDisk: bytes, checksum, compress: growing, begins, ...(pace ? { pace } : {}) };
  try {
    await copy(machine, order, (text) => progress(`checkpoints ${text}`), signal);
    if (growing) cutGrown(to, sizes);
    await arrivals.over();
  } finally {
    arrivals.giveUp();
  }
}

/** Cuts grown files: what was listed and hashed is their beginning. */
function cutGrown(folder: string, sizes: ReadonlyMap<string, number>): void {
  for (const [name, size] of sizes) {
    const path = pathOf(folder, name);
    if ((sizeAt(path) ?? 0) > size) truncateSync(path, size);
  }
}
