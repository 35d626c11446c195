import { type Clock, type Moment, since } from "../../lib/clock.ts";
import type { VastClient } from "./client.ts";
import { isPassing } from "./errors.ts";
import { isLeaving } from "./phase.ts";
import type { Instance } from "./wire.ts";

/** Pause between two looks, milliseconds: Vast wants a second between two lists. */
const PAUSE_MS = 1000;

/**
 * The list of all instances, shared by everybody in this process: those who ask while a call is due share its answer,
 * so that eight machines cost no more calls than one.
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

  /** The whole list, from a call sent after this one was made. Throws as `instances` does. */
  look(): Promise<Instance[]> {
    this.#due ??= this.#nextLook();
    return this.#due;
  }

  /** Instances of the last list that arrived; empty before the first. May be out of date: proof of nothing. */
  get latest(): readonly Instance[] {
    return this.#latest;
  }

  async #nextLook(): Promise<Instance[]> {
    await this.#last;
    const pause = this.#openAt - this.#clock.now();
    if (pause > 0) await this.#clock.sleep(pause);
    // Whoever asks from here on gets the next call's answer.
    this.#due = undefined;
    const began = this.#clock.now();
    const look = this.#client.instances().then((rows) => {
      this.#latest = rows;
      return rows;
    });
    this.#last = look.then(nothing, nothing).then(() => {
      const now = this.#clock.now();
      // A slow list was held up by other callers: they get as much time again.
      this.#openAt = now + Math.max(PAUSE_MS, now - began);
    });
    return look;
  }
}

function nothing(): void {}

/**
 * An instance as Vast has it now; undefined = gone. The list may be asked twice as often as the single view, and has
 * ports that the view may lack; what neither has is gone.
 */
export async function instanceNow(
  client: Pick<VastClient, "instances" | "instance">,
  id: number,
): Promise<Instance | undefined> {
  const listed = await inList(client, id).catch((error: Error) => error);
  if (listed instanceof Error && !isPassing(listed)) throw listed;
  const instance = listed instanceof Error || listed === undefined ? await client.instance(id) : listed;
  // A failed list proves nothing.
  if (instance === undefined && listed instanceof Error) throw listed;
  return instance;
}

async function inList(client: Pick<VastClient, "instances">, id: number): Promise<Instance | undefined> {
  return (await client.instances()).find((instance) => instance.id === id);
}

/** Living instances with exactly this label, except the one with this id. */
export function twinsIn(rows: readonly Instance[], label: string, id?: number): Instance[] {
  return rows.filter((row) => row.label === label && row.id !== id && !isLeaving(row));
}

/** Vast shows a new instance within this time: 5 to 15 s were seen. */
export const VISIBLE_MS = 15_000;
/** Vast was seen to take half a minute to carry out a rental; a lost answer does not stop it. */
export const LATE_MS = 30_000;
/** How long after a rental was sent Vast may still not show it; also the wait when none is known of. */
export const WINDOW_MS = LATE_MS + VISIBLE_MS;

/** For how long Vast may still not show this rental, milliseconds; `WINDOW_MS` at most. */
export function hiddenFor(sent: Moment, clock: Pick<Clock, "now" | "boot">): number {
  return Math.max(WINDOW_MS - since(sent, clock), 0);
}
