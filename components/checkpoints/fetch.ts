import { mkdirSync, truncateSync } from "node:fs";
import { sizeText } from "../lib/text.ts";
import { remoteError } from "../ssh/remote-error.ts";
import type { Login } from "../ssh/run-script.ts";
import type { Pace } from "./copy/pace.ts";
import { copy } from "./copy/rsync.ts";
import type { Manifest } from "./manifest.ts";
import { pathOf, sizeAt } from "./store/files.ts";
import { bytesOf } from "./store/record.ts";
import { bytesLacking, checkRoom, type Store } from "./store/store.ts";

/** A machine's files that are to be in a store. */
export interface Fetch {
  /** Folder on the machine. */
  readonly from: string;
  readonly files: Manifest;
  /** Compare contents instead of size and time. */
  readonly checksum: boolean;
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

/** Copies what the store lacks, verifies and keeps it. Answers with the names of files that did not arrive intact. */
export async function fetchInto(store: Store, machine: Login, what: Fetch): Promise<string[]> {
  const { from, files, checksum, growing = false, pace, progress, signal, fetching } = what;
  // Computed once: it is needed for each file.
  const all = bytesOf(files);
  const share = (bytes: number) => `${Math.floor((100 * bytes) / Math.max(all, 1))} % of ${sizeText(all)}`;
  const lacking = await store.lacking(files, (bytes) => progress(`comparing ${share(bytes)}`));
  if (lacking.length === 0) return [];
  const onDisk = (name: string) => files.get(name)?.onDisk ?? 0;
  store.checkRoom(files, lacking, onDisk);
  const sizes = new Map(lacking.map((name) => [name, files.get(name)?.size ?? 0]));
  const bytes = lacking.reduce((sum, name) => sum + onDisk(name), 0);
  fetching?.(bytes);
  const to = store.incoming;
  mkdirSync(to, { recursive: true });
  const order = { from, to, sizes, onDisk: bytes, checksum, compress: growing, ...(pace ? { pace } : {}) };
  await copy(machine, order, (text) => progress(`checkpoints ${text}`), signal);
  if (growing) cutGrown(to, sizes);
  store.begin(files, lacking);
  return store.take(files, lacking, (bytes) => progress(`verifying ${sizeText(bytes)}`));
}

/** Cuts grown files: what was listed and hashed is their beginning. */
function cutGrown(folder: string, sizes: ReadonlyMap<string, number>): void {
  for (const [name, size] of sizes) {
    const path = pathOf(folder, name);
    if ((sizeAt(path) ?? 0) > size) truncateSync(path, size);
  }
}
