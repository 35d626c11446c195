import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/**
 * What Vast, its hosts and the registries behind them really say: recorded rows and bodies, Vast's own documentation,
 * fixtures of other programs. Strings are as they came, ids and addresses are replaced. One file of `test/support/wire`.
 */
export interface Specimen {
  /** The file's name without `.json`. */
  readonly name: string;
  readonly kind: SpecimenKind;
  /** Where it is from. */
  readonly source: string;
  /** What a right program makes of it. */
  readonly expect: Readonly<Record<string, unknown>>;
  readonly data: unknown;
}

export type SpecimenKind = "instance" | "offer" | "answer" | "account" | "keys" | "page";

const folder = join(import.meta.dirname, "wire");

/** All specimens of some kinds, in the order of their names; without kinds, all. */
export function specimens(...kinds: SpecimenKind[]): Specimen[] {
  const files = readdirSync(folder).filter((file) => file.endsWith(".json"));
  const all = files.sort().map((file): Specimen => {
    const read = JSON.parse(readFileSync(join(folder, file), "utf8"));
    return { ...read, name: file.slice(0, -".json".length) };
  });
  return all.filter(({ kind }) => kinds.length === 0 || kinds.includes(kind));
}
