import { createHash } from "node:crypto";
import { readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { writeWhole } from "../../lib/state-dir.ts";
import type { OfferCriteria } from "./criteria.ts";
import type { Quote } from "./quote.ts";

/** What a quote was asked for. */
export interface QuoteKey {
  readonly urn: string;
  readonly apiUrl: string;
  readonly criteria: OfferCriteria;
  /** What is to be pulled; null = not known. */
  readonly imageBytes: number | null;
}

const KEPT_MS = 600_000;

/**
 * Quotes on disk for ten minutes. A preview and the run that follows it are two processes, and what was approved is what
 * is to be rented.
 */
export class Quotes {
  readonly #dir: string;
  readonly #now: () => number;

  /** @param dir `quotes` of the state directory */
  constructor(dir: string, now: () => number = Date.now) {
    this.#dir = dir;
    this.#now = now;
  }

  get(key: QuoteKey): Quote | undefined {
    try {
      const { at, quote } = JSON.parse(readFileSync(this.#file(key), "utf8"));
      return this.#now() - at < KEPT_MS ? quote : undefined;
    } catch {
      return undefined;
    }
  }

  put(key: QuoteKey, quote: Quote): void {
    this.#sweep();
    writeWhole(this.#file(key), JSON.stringify({ at: this.#now(), quote }));
  }

  /** It has been used: the next preview asks the market again. */
  drop(key: QuoteKey): void {
    rmSync(this.#file(key), { force: true });
  }

  #file({ urn, apiUrl, criteria, imageBytes }: QuoteKey): string {
    const wanted = Object.entries(criteria).toSorted(([one], [other]) => (one < other ? -1 : 1));
    const name = createHash("sha256")
      .update(JSON.stringify([urn, apiUrl, wanted, imageBytes]))
      .digest("hex")
      .slice(0, 32);
    return join(this.#dir, `${name}.json`);
  }

  #sweep(): void {
    for (const name of readdirSync(this.#dir)) {
      const file = join(this.#dir, name);
      const age = this.#now() - (statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? this.#now());
      if (age > KEPT_MS) rmSync(file, { force: true });
    }
  }
}
