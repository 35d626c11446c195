import { createHash, type Hash } from "node:crypto";
import { lstatSync, type Stats } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { printable } from "../../lib/text.ts";
import type { Sums } from "./sums.ts";

/** What a file holds. */
export interface Content {
  readonly size: number;
  /** Lower case hex; null when it is not known. */
  readonly sha256: string | null;
}

/** Files by relative path. A name is any bytes, so it is kept as latin1 text, one character a byte. */
export type Contents = ReadonlyMap<string, Content>;

/** The path of a name below a folder here. */
export function pathOf(folder: string, name: string): Buffer {
  return Buffer.concat([Buffer.from(`${folder}/`), Buffer.from(name, "latin1")]);
}

/** The name for people. */
export function shownName(name: string): string {
  return printable(Buffer.from(name, "latin1").toString("utf8"), 200);
}

/** The entry at a path, without following a link; undefined = nothing there, or a name that this disk cannot have. */
export function entryAt(path: Buffer): Stats | undefined {
  try {
    return lstatSync(path);
  } catch {
    return undefined;
  }
}

/** Size of a plain file; undefined = there is none. */
export function sizeAt(path: Buffer): number | undefined {
  const entry = entryAt(path);
  return entry?.isFile() ? entry.size : undefined;
}

/** Is there a plain file with exactly this content? It is hashed, unless `sums` know it. */
export async function holds(path: Buffer, { size, sha256 }: Content, sums?: Sums): Promise<boolean> {
  if (sha256 === null || sizeAt(path) !== size) return false;
  return (sums?.of(path) ?? (await sumOf(path))) === sha256;
}

/** What a plain file holds; undefined = there is none. */
export async function contentAt(path: Buffer): Promise<Content | undefined> {
  const size = sizeAt(path);
  return size === undefined ? undefined : { size, sha256: await sumOf(path) };
}

async function sumOf(path: Buffer, signal?: AbortSignal): Promise<string> {
  const hash = createHash("sha256");
  const file = await open(path);
  try {
    await hashOn(file, hash, signal);
  } finally {
    await file.close();
  }
  return hash.digest("hex");
}

/** Hashes a file for later. */
export async function learnSum(path: Buffer, sums: Sums, signal: AbortSignal): Promise<void> {
  // Looked at before: what is written meanwhile makes it another file.
  const entry = lstatSync(path, { bigint: true });
  sums.note(entry, await sumOf(path, signal));
}

/** Each piece costs two turns of the event loop: with 64 KiB, what a stream takes, hashing takes twice as long. */
const PIECE_BYTES = 1024 * 1024;
/** Memory that is in use by nobody: with new memory for each of many files, more time goes into freeing than into hashing. */
const spare: Buffer[] = [];

/** Hashes an open file from where it was read to, up to its present end. Answers with the number of bytes. */
export async function hashOn(file: FileHandle, hash: Hash, signal?: AbortSignal): Promise<number> {
  const piece = spare.pop() ?? Buffer.allocUnsafe(PIECE_BYTES);
  try {
    for (let bytes = 0; ; ) {
      signal?.throwIfAborted();
      const { bytesRead } = await file.read(piece);
      if (bytesRead === 0) return bytes;
      hash.update(piece.subarray(0, bytesRead));
      bytes += bytesRead;
    }
  } finally {
    spare.push(piece);
  }
}

/** The folder of a name; "" = the top one. */
export function folderOf(name: string): string {
  return name.includes("/") ? name.slice(0, name.lastIndexOf("/")) : "";
}
