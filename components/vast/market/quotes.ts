import { createHash } from "node:crypto";
import { readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { writeWhole } from "../../lib/draft.ts";
import type { StateDir } from "../../lib/state-dir.ts";
import type { OfferQuery } from "../client/client.ts";
import type { Offer } from "../client/wire.ts";
import type { OfferCriteria } from "./criteria.ts";
import type { Quote } from "./quote.ts";

/** What is quoted. */
export interface QuotedFor {
  readonly criteria: OfferCriteria;
  /** What is to be pulled; null = not known. */
  readonly imageBytes: number | null;
  /** Of a `Pulled`; absent = "". */
  readonly cachedBase?: string;
}

/** What a quote was asked for. */
export interface QuoteKey extends QuotedFor {
  readonly urn: string;
  readonly apiUrl: string;
}

/** What a search was asked for. */
export interface SearchKey {
  /** The API and the fingerprint of the key. */
  readonly who: string;
  readonly query: OfferQuery;
}

const QUOTED_MS = 600_000;
const SEARCHED_MS = 60_000;

/** Values kept on disk for a while, so that several processes give the same answer. */
class Kept<Key extends object, Value> {
  readonly #kind: string;
  readonly #dir: string;
  readonly #milliseconds: number;
  readonly #now: () => number;

  constructor(kind: string, dir: string, milliseconds: number, now: () => number) {
    this.#kind = kind;
    this.#dir = dir;
    this.#milliseconds = milliseconds;
    this.#now = now;
  }

  get(key: Key): Value | undefined {
    try {
      const { at, value } = JSON.parse(readFileSync(this.#file(key), "utf8"));
      const age = this.#now() - at;
      return age >= 0 && age < this.#milliseconds ? value : undefined;
    } catch {
      return undefined;
    }
  }

  put(key: Key, value: Value): void {
    this.#sweep();
    writeWhole(this.#file(key), JSON.stringify({ at: this.#now(), value }));
  }

  /** Forgets this one: it was used, or must not be used any more. */
  drop(key: Key): void {
    rmSync(this.#file(key), { force: true });
  }

  /** Forgets all. */
  clear(): void {
    for (const name of readdirSync(this.#dir))
      if (name.startsWith(`${this.#kind}-`)) rmSync(join(this.#dir, name), { force: true });
  }

  #file(key: Key): string {
    const name = createHash("sha256").update(JSON.stringify(key, inOrder)).digest("hex").slice(0, 32);
    return join(this.#dir, `${this.#kind}-${name}.json`);
  }

  #sweep(): void {
    for (const name of readdirSync(this.#dir)) {
      const file = join(this.#dir, name);
      const age = this.#now() - (statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? this.#now());
      if (age > QUOTED_MS) rmSync(file, { force: true });
    }
  }
}

/** Sorts keys: the same question in another order is the same question. */
function inOrder(_: string, value: unknown): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).toSorted(([one], [other]) => (one < other ? -1 : 1)));
}

/**
 * Quotes on disk for ten minutes. A preview and the run after it are two processes, and the run rents what was
 * approved. `drop` a quote when it is rented: the next preview asks the market again.
 */
export class Quotes extends Kept<QuoteKey, Quote> {
  /** @param dir `quotes` of the state directory */
  constructor(dir: string, now: () => number = Date.now) {
    super("quote", dir, QUOTED_MS, now);
  }
}

/**
 * Answers to searches, on disk for a minute. Checks and previews share them, because Vast counts searches. A rental
 * never uses them, because offers go within a minute, and ends them (`clear`): what it rents must not be quoted again.
 */
export class Searches extends Kept<SearchKey, Offer[]> {
  /** For fingerprints of keys. */
  readonly nonce: string;

  constructor({ quotesDir, owner }: Pick<StateDir, "quotesDir" | "owner">, now: () => number = Date.now) {
    super("search", quotesDir, SEARCHED_MS, now);
    this.nonce = owner;
  }
}
