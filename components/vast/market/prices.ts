import { readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { writeWhole } from "../../lib/draft.ts";
import { markOfApi, type SeenPrice, type Slice } from "../ledger/line.ts";

/** A bid of ours, $/h without disk. */
export interface OwnBid {
  readonly perHour: number;
  /** The price to which its markup was added; null = not known. */
  readonly floor: number | null;
}

interface Known {
  readonly onDemand?: SeenPrice;
  /** The last ones, the newest last. */
  readonly bids: readonly OwnBid[];
}

const KEPT_MS = 30 * 24 * 3_600_000;
const MOST_BIDS = 8;

/**
 * Prices seen and bids made for each slice of a machine, on disk for thirty days, shared by every command of this state
 * directory. Best effort: what cannot be read or written is left out.
 */
export class Prices {
  readonly #dir: string;
  readonly #apiUrl: string;
  readonly #now: () => number;

  /**
   * @param dir `prices` of the state directory
   * @param apiUrl whose machines they are
   */
  constructor(dir: string, apiUrl: string, now: () => number = Date.now) {
    this.#dir = dir;
    this.#apiUrl = apiUrl;
    this.#now = now;
  }

  /** The last on-demand price. */
  onDemand(slice: Slice): SeenPrice | undefined {
    const seen = this.#read(slice).onDemand;
    return seen !== undefined && this.#now() - seen.at < KEPT_MS ? seen : undefined;
  }

  /** Our bids, the newest last. */
  bids(slice: Slice): readonly OwnBid[] {
    return this.#read(slice).bids;
  }

  noteOnDemand(slice: Slice, perHour: number): void {
    this.#write(slice, { ...this.#read(slice), onDemand: { perHour, at: this.#now() } });
  }

  /** A bid that is about to be sent. @param floor null = that of the last one */
  noteBid(slice: Slice, { perHour, floor }: OwnBid): void {
    const known = this.#read(slice);
    const bid = { perHour, floor: floor ?? known.bids.at(-1)?.floor ?? null };
    this.#write(slice, { ...known, bids: [...known.bids, bid].slice(-MOST_BIDS) });
  }

  #read(slice: Slice): Known {
    try {
      return JSON.parse(readFileSync(this.#file(slice), "utf8"));
    } catch {
      return { bids: [] };
    }
  }

  #write(slice: Slice, known: Known): void {
    try {
      this.#sweep();
      writeWhole(this.#file(slice), JSON.stringify(known));
    } catch {
      // Then the next one compares with what the market lists.
    }
  }

  #file({ machineId, gpus }: Slice): string {
    return join(this.#dir, `${markOfApi(this.#apiUrl)}-${machineId}x${gpus}.json`);
  }

  #sweep(): void {
    for (const name of readdirSync(this.#dir)) {
      const file = join(this.#dir, name);
      const written = statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? Number.POSITIVE_INFINITY;
      // By the clock that wrote the time of the file.
      if (Date.now() - written > KEPT_MS) rmSync(file, { force: true });
    }
  }
}
