import { readFileSync, rmSync } from "node:fs";
import { z } from "zod";
import { writeWhole } from "../../lib/draft.ts";
import { type Content, type Contents, holds, pathOf } from "./files.ts";

/** A file at home as it was verified. */
export interface StoredFile extends Content {
  /** Its name at home, when that is not its own. */
  readonly place?: string;
}

/**
 * What was verified at home last, in a file beside the folder. A later gate sees by it that a stopped machine need not
 * be started again, a later pull what it must not displace.
 */
export interface PullRecord {
  /** ISO time. */
  readonly verifiedAt: string;
  /** The training that had ended before anything was listed, and so writes no more; null = none known. */
  readonly ended: string | null;
  readonly files: ReadonlyMap<string, StoredFile>;
}

const shape = z.object({
  verifiedAt: z.string(),
  ended: z.string().nullable(),
  files: z.array(
    z.union([
      z.tuple([z.string(), z.number(), z.string().nullable()]),
      z.tuple([z.string(), z.number(), z.string().nullable(), z.string()]),
    ]),
  ),
});

function recordFile(folder: string): string {
  return `${folder}.verified.json`;
}

export function noteRecord(folder: string, { verifiedAt, ended, files }: PullRecord): void {
  const rows = [...files].map(([name, { size, sha256, place }]) => {
    return place === undefined ? [name, size, sha256] : [name, size, sha256, place];
  });
  writeWhole(recordFile(folder), `${JSON.stringify({ verifiedAt, ended, files: rows })}\n`);
}

/** The record; undefined = there is none that can be read. */
export function recordOf(folder: string): PullRecord | undefined {
  try {
    const { verifiedAt, ended, files } = shape.parse(JSON.parse(readFileSync(recordFile(folder), "utf8")));
    const kept = files.map(([name, size, sha256, place]): [string, StoredFile] => {
      return [name, { size, sha256, ...(place === undefined ? {} : { place }) }];
    });
    return { verifiedAt, ended, files: new Map(kept) };
  } catch {
    return undefined;
  }
}

const comingShape = z.array(z.tuple([z.string(), z.number(), z.string().nullable()]));

function comingFile(folder: string): string {
  return `${folder}.coming.json`;
}

/** A file about to be stored; there may be several of one name from interrupted pulls. */
export interface Coming extends Content {
  readonly name: string;
}

/** Notes files about to be stored, until a record says what was. */
export function noteComing(folder: string, files: readonly Coming[]): void {
  const rows = files.map(({ name, size, sha256 }) => [name, size, sha256]);
  writeWhole(comingFile(folder), `${JSON.stringify(rows)}\n`);
}

/** Files noted by a pull that did not finish; none = all have finished, or nothing can be read. */
export function comingOf(folder: string): Coming[] {
  try {
    const rows = comingShape.parse(JSON.parse(readFileSync(comingFile(folder), "utf8")));
    return rows.map(([name, size, sha256]) => ({ name, size, sha256 }));
  } catch {
    return [];
  }
}

export function forgetComing(folder: string): void {
  rmSync(comingFile(folder), { force: true });
}

/**
 * The record, if everything that this training has written is at home by it, and every file is still there as recorded;
 * else undefined.
 *
 * @param training as `trainingMark` names it; undefined = not known, and then nothing counts as home
 */
export async function homeAlready(folder: string, training: string | undefined): Promise<PullRecord | undefined> {
  const record = recordOf(folder);
  if (record === undefined || training === undefined || record.ended !== training) return undefined;
  for (const [name, kept] of record.files) {
    if (!(await holds(pathOf(folder, kept.place ?? name), kept))) return undefined;
  }
  return record;
}

/**
 * Names a training by its hash and the time since when it is the stack's, which tells it from an earlier start of the
 * same one.
 *
 * @param hash as the machine knows it
 */
export function trainingMark(hash: string, since: string): string {
  return `${hash} since ${since}`;
}

/**
 * The training that has ended, from the machine's report (`final HASH`); null when it is not the stack's, or may still
 * write.
 */
export function endedTraining(said: string, mark: string | undefined): string | null {
  const hash = /^final ([0-9a-f]{64})$/m.exec(said)?.[1];
  return hash !== undefined && mark?.startsWith(`${hash} since `) ? mark : null;
}

/** Number and total bytes of the files in a record. */
export function sizeOfRecord({ files }: PullRecord): { files: number; bytes: number } {
  return { files: files.size, bytes: bytesOf(files) };
}

export function bytesOf(files: Contents): number {
  return [...files.values()].reduce((sum, { size }) => sum + size, 0);
}
