import { randomBytes } from "node:crypto";
import { closeSync, ftruncateSync, openSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { git } from "./git.ts";
import { cQuoted } from "./snapshot.ts";

/** A local repository, and the commit in it to send. */
export interface Packed {
  readonly bare: string;
  readonly commit: string;
}

/** The compressed commit, in a file that is deleted after use. */
export interface Pack {
  readonly file: string;
  readonly bytes: number;
}

/**
 * Packs the commit without history. If `base` is on the machine and here too, its unchanged files are left out, and
 * changed ones are sent as differences.
 */
export async function withPack<T>(
  { bare, commit }: Packed,
  base: Packed | undefined,
  use: (pack: Pack) => Promise<T>,
  signal?: AbortSignal,
): Promise<T> {
  const file = join(dirname(bare), `send-${process.pid}-${randomBytes(4).toString("hex")}`);
  const shallow = `${file}.shallow`;
  const output = openSync(file, "ax", 0o600);
  try {
    await write({ bare, commit }, base, shallow, output, signal).catch(async (error: Error) => {
      if (base === undefined) throw error;
      // The base may be incomplete here by now.
      ftruncateSync(output, 0);
      await write({ bare, commit }, undefined, shallow, output, signal);
    });
    return await use({ file, bytes: statSync(file).size });
  } finally {
    closeSync(output);
    for (const made of [file, shallow]) rmSync(made, { force: true });
  }
}

async function write(
  { bare, commit }: Packed,
  base: Packed | undefined,
  shallow: string,
  output: number,
  signal: AbortSignal | undefined,
): Promise<void> {
  // Packed without its history even if it was fetched with it.
  writeFileSync(shallow, [commit, ...(base === undefined ? [] : [base.commit]), ""].join("\n"));
  const words = ["--shallow-file", shallow, "pack-objects", "--revs", "--stdout", "--delta-base-offset", "--quiet"];
  const thin = base === undefined ? [] : ["--thin", "--shallow"];
  const input = base === undefined ? `${commit}\n` : `${commit}\n^${base.commit}\n`;
  const variables = base === undefined ? {} : { GIT_ALTERNATE_OBJECT_DIRECTORIES: cQuoted(join(base.bare, "objects")) };
  await git([...words, ...thin], { bare, input, output, signal, variables });
}
