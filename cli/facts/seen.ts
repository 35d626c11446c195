import { readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { writeWhole } from "../../components/lib/draft.ts";
import { pick } from "../../components/lib/values.ts";
import { type Facts, KEYS, type Key } from "./facts.ts";

/** What was seen of a run, for a later status. */
export type Seen = Partial<Pick<Facts, Key>>;

/** Changes when the shape of the answers does: what another version has written is not read. */
const SHAPE = 1;
const KEPT_MS = 30 * 24 * 3_600_000;

/** What an earlier status has seen of the run; nothing where that cannot be read. @param dir `seen` of the state directory */
export function seenOf(dir: string, run: string): Seen {
  try {
    const { shape, ...seen } = JSON.parse(readFileSync(fileOf(dir, run), "utf8"));
    return shape === SHAPE ? pick(seen as Seen, KEYS) : {};
  } catch {
    return {};
  }
}

/** Keeps the answers for a later status. Best effort. */
export function keepSeen(dir: string, run: string, facts: Facts): void {
  const known = KEYS.filter((key) => facts[key].at !== undefined).map((key) => [
    key,
    pick(facts[key], ["value", "at"]),
  ]);
  try {
    forgetOld(dir);
    writeWhole(fileOf(dir, run), JSON.stringify({ shape: SHAPE, ...Object.fromEntries(known) }));
  } catch {
    // Then the next one asks without it.
  }
}

function fileOf(dir: string, run: string): string {
  return join(dir, `${run}.json`);
}

function forgetOld(dir: string): void {
  for (const name of readdirSync(dir)) {
    const written = statSync(join(dir, name), { throwIfNoEntry: false })?.mtimeMs ?? Number.POSITIVE_INFINITY;
    if (Date.now() - written > KEPT_MS) rmSync(join(dir, name), { force: true });
  }
}
