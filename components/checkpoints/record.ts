import { readFileSync } from "node:fs";
import { z } from "zod";
import { writeWhole } from "../lib/state-dir.ts";
import { bytesOf, differing, type Manifest } from "./manifest.ts";

/**
 * What was verified at home last, in a file beside the folder. It tells a later gate that a machine which has stopped
 * need not be started again.
 */
export interface PullRecord {
  /** ISO time. */
  readonly verifiedAt: string;
  /** The training that had ended well before anything was listed, and so writes no more; null = none that we know of. */
  readonly ended: string | null;
  readonly manifest: Manifest;
}

const shape = z.object({
  verifiedAt: z.string(),
  ended: z.string().nullable(),
  files: z.array(z.tuple([z.string(), z.number(), z.string().nullable()])),
});

function recordFile(folder: string): string {
  return `${folder}.verified.json`;
}

export function noteRecord(folder: string, { verifiedAt, ended, manifest }: PullRecord): void {
  const files = [...manifest].map(([name, { size, sha256 }]) => [name, size, sha256]);
  writeWhole(recordFile(folder), `${JSON.stringify({ verifiedAt, ended, files })}\n`);
}

/** undefined = there is none that can be read. */
export function recordOf(folder: string): PullRecord | undefined {
  try {
    const { verifiedAt, ended, files } = shape.parse(JSON.parse(readFileSync(recordFile(folder), "utf8")));
    return { verifiedAt, ended, manifest: new Map(files.map(([name, size, sha256]) => [name, { size, sha256 }])) };
  } catch {
    return undefined;
  }
}

/**
 * The record, when it says that everything this training has written is at home, and every file is still there as it
 * says; else undefined.
 *
 * @param training as `trainingMark` names it; undefined = not known, and then nothing is taken for home
 */
export async function homeAlready(folder: string, training: string | undefined): Promise<PullRecord | undefined> {
  const record = recordOf(folder);
  if (record === undefined || training === undefined || record.ended !== training) return undefined;
  return (await differing(record.manifest, folder)).length === 0 ? record : undefined;
}

/**
 * A training and the time since when it is the stack's, which tells it from an earlier life of the same one.
 *
 * @param hash as the machine knows it
 */
export function trainingMark(hash: string, since: string): string {
  return `${hash} since ${since}`;
}

/**
 * The training that has ended, of what the machine says of itself (`final HASH`); null when it is another one than the
 * stack's, or may still write.
 */
export function endedTraining(said: string, mark: string | undefined): string | null {
  const hash = /^final ([0-9a-f]{64})$/m.exec(said)?.[1];
  return hash !== undefined && mark?.startsWith(`${hash} since `) ? mark : null;
}

/** "3 files, 12 bytes" are for people; this is what the record holds. */
export function sizeOfRecord({ manifest }: PullRecord): { files: number; bytes: number } {
  return { files: manifest.size, bytes: bytesOf(manifest) };
}
