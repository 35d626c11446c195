import { type Clock, type Moment, since } from "../../lib/clock.ts";
import type { VastClient } from "./client.ts";
import { isLeaving } from "./phase.ts";
import type { Instance } from "./wire.ts";

/** Pause between two looks, milliseconds: Vast wants a second between two lists. */
const PAUSE_MS = 1000;

/**
 * The list of all instances, for everybody of this process who waits for one: those who ask while a look is due share
 * it, so that eight machines cost no more calls than one.
 */
export class InstanceList {
  readonly #client: Pick<VastClient, "instances">;
  readonly #clock: Pick<Clock, "now" | "sleep">;
  #due: Promise<Instance[]> | undefined;
  #last: Promise<unknown> = Promise.resolve();
  #openAt = 0;
  #latest: readonly Instance[] = [];

  constructor(client: Pick<VastClient, "instances">, clock: Pick<Clock, "now" | "sleep">) {
    this.#client = client;
    this.#clock = clock;
  }

  /** The whole list, asked for no earlier than now. Throws as `instances` does. */
  look(): Promise<Instance[]> {
    this.#due ??= this.#nextLook();
    return this.#due;
  }

  /** What the last list that came held; empty before there was one. To be fair by or to tell of, not to conclude from. */
  get latest(): readonly Instance[] {
    return this.#latest;
  }

  async #nextLook(): Promise<Instance[]> {
    await this.#last;
    const pause = this.#openAt - this.#clock.now();
    if (pause > 0) await this.#clock.sleep(pause);
    // Whoever comes from here on wants a later look.
    this.#due = undefined;
    const began = this.#clock.now();
    const look = this.#client.instances().then((rows) => {
      this.#latest = rows;
      return rows;
    });
    this.#last = look.then(nothing, nothing).then(() => {
      const now = this.#clock.now();
      // A list that took long was held up by others: they are given as much time again.
      this.#openAt = now + Math.max(PAUSE_MS, now - began);
    });
    return look;
  }
}

function nothing(): void {}

/** Living instances with exactly this label, but the one with this id. */
export function twinsIn(rows: readonly Instance[], label: string, id?: number): Instance[] {
  return rows.filter((row) => row.label === label && row.id !== id && !isLeaving(row));
}

/** Vast shows a new instance within this time: 5 to 15 s were seen. */
export const VISIBLE_MS = 15_000;
/** Renting was seen to take up to half a minute; nobody who hears no answer can call it off. */
export const LATE_MS = 30_000;
/** How long after a rental has left Vast may show nothing of it yet. Nobody who does not know of one waits longer. */
export const WINDOW_MS = LATE_MS + VISIBLE_MS;

/** For how long Vast may still show nothing of a rental, milliseconds; never more than the whole window. */
export function hiddenFor(sent: Moment, clock: Pick<Clock, "now" | "boot">): number {
  return Math.max(WINDOW_MS - since(sent, clock), 0);
}
