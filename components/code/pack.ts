import { randomBytes } from "node:crypto";
import { closeSync, openSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { git } from "./git.ts";

/** A repository here, and the commit in it that is to be sent. */
export interface Packed {
  readonly bare: string;
  readonly commit: string;
}

/** What is sent, compressed, in a file that is gone afterwards. */
export interface Pack {
  readonly file: string;
  readonly bytes: number;
}

/**
 * Packs the commit without history, and without what `base` has, if that is here too and is on the machine: whole files
 * are left out, and changed ones are sent as differences.
 */
export async function withPack<T>(
  { bare, commit }: Packed,
  base: Packed | undefined,
  use: (pack: Pack) => Promise<T>,
  signal?: AbortSignal,
): Promise<T> {
  const file = join(dirname(bare), `send-${process.pid}-${randomBytes(4).toString("hex")}`);
  const shallow = `${file}.shallow`;
  const output = openSync(file, "wx", 0o600);
  try {
    // What was fetched with its history all the same is packed without it.
    writeFileSync(shallow, [commit, base?.commit ?? "", ""].join("\n").replace(/\n+/g, "\n"));
    const words = ["--shallow-file", shallow, "pack-objects", "--revs", "--stdout", "--delta-base-offset", "--quiet"];
    if (base === undefined) await git(words, { dir: bare, input: `${commit}\n`, output, signal });
    else {
      const env = { ...process.env, GIT_ALTERNATE_OBJECT_DIRECTORIES: join(base.bare, "objects") };
      const thin = [...words, "--thin", "--shallow"];
      await git(thin, { dir: bare, input: `${commit}\n^${base.commit}\n`, output, signal, env });
    }
    return await use({ file, bytes: statSync(file).size });
  } finally {
    closeSync(output);
    for (const made of [file, shallow]) rmSync(made, { force: true });
  }
}
