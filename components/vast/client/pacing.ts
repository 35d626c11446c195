import { setTimeout as wait } from "node:timers/promises";
import { isVastError, type VastError } from "./errors.ts";

/** So many calls within so many seconds. */
export interface Limit {
  readonly seconds: number;
  readonly calls: number;
}

/**
 * What Vast wants of one key and endpoint, from its published limits; that of the search was only seen. Endpoints that
 * are not listed have no known limit.
 */
const LIMITS: Readonly<Record<string, Limit>> = {
  "PUT /asks/{id}/": every(4.5),
  "GET /instances/{id}/": every(2),
  "GET /instances/": every(1),
  "PUT /instances/{id}/": every(1),
  "DELETE /instances/{id}/": every(3),
  "PUT /instances/bid_price/{id}/": every(5.5),
  "POST /ssh/": every(1),
  "POST /bundles/": { seconds: 2, calls: 4 },
};

const UNKNOWN: Limit = { seconds: 0, calls: Number.POSITIVE_INFINITY };

/**
 * The longest that a call waits because a 429 asks for it, as in Vast's own client (1.9.1). A 429 that asks for more
 * fails at once, and later calls of that endpoint wait this long.
 */
const MOST_WAIT_SECONDS = 60;

/** Vast measures the interval at its end of the network, we at ours. */
const MARGIN_MS = 100;

/** One call in so many seconds. */
export function every(seconds: number): Limit {
  return { seconds, calls: 1 };
}

/** The limit of `METHOD /template/`. */
export function limitOf(endpoint: string): Limit {
  return LIMITS[endpoint] ?? UNKNOWN;
}

/** A call, for as long as Vast counts it. */
interface Slot {
  /** Milliseconds; infinite until it is answered. */
  until: number;
  readonly answered: PromiseWithResolvers<void>;
}

/** Ends early, without an error, when the signal is aborted. */
export type Sleep = (milliseconds: number, signal?: AbortSignal) => Promise<void>;

interface Gate {
  /** Settles when all earlier calls have been sent. */
  turn: Promise<void>;
  slots: readonly Slot[];
  /** Milliseconds; a 429 closes it until then. */
  closedUntil: number;
}

/**
 * One gate for each name (key and endpoint): calls leave in the order in which they come, as many as the limit allows;
 * a call counts until its interval after the answer is over. A 429 closes the gate for as long as it says.
 *
 * Each process has its own gates. When two collide, Vast answers 429 with how long to wait, and has not carried the
 * call out.
 */
export class Gates {
  readonly #gates = new Map<string, Gate>();
  readonly #now: () => number;
  readonly #sleep: Sleep;

  constructor(now: () => number, sleep: Sleep) {
    this.#now = now;
    this.#sleep = sleep;
  }

  /** Makes a call when its turn has come, or at once when the signal is aborted: the call itself then ends with it. */
  async run<T>(name: string, limit: Limit, call: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    const gate = this.#gates.get(name) ?? { turn: Promise.resolve(), slots: [], closedUntil: 0 };
    this.#gates.set(name, gate);
    const entered = gate.turn.then(() => this.#enter(gate, limit, signal));
    gate.turn = entered.then(nothing, nothing);
    return this.#pass(gate, await entered, limit, call);
  }

  async #enter(gate: Gate, { calls }: Limit, signal: AbortSignal | undefined): Promise<Slot> {
    while (signal?.aborted !== true) {
      const now = this.#now();
      gate.slots = gate.slots.filter(({ until }) => until > now);
      if (gate.closedUntil > now) await this.#sleep(gate.closedUntil - now, signal);
      else if (gate.slots.length >= calls) await this.#room(gate.slots, now, signal);
      else break;
    }
    const slot = { until: Number.POSITIVE_INFINITY, answered: Promise.withResolvers<void>() };
    gate.slots = [...gate.slots, slot];
    return slot;
  }

  async #room(slots: readonly Slot[], now: number, signal: AbortSignal | undefined): Promise<void> {
    const soonest = Math.min(...slots.map(({ until }) => until));
    if (soonest < Number.POSITIVE_INFINITY) await this.#sleep(soonest - now, signal);
    else await Promise.race(slots.map(({ answered }) => answered.promise));
  }

  /** Counts from the answer: by then Vast has certainly seen the call. */
  async #pass<T>(gate: Gate, slot: Slot, { seconds }: Limit, call: () => Promise<T>): Promise<T> {
    try {
      return await call();
    } catch (error) {
      if (isVastError(error, "rate_limited")) {
        const wanted = Math.max(seconds, Math.min(error.thresholdSeconds ?? 0, MOST_WAIT_SECONDS));
        gate.closedUntil = Math.max(gate.closedUntil, this.#after(wanted));
      }
      throw error;
    } finally {
      slot.until = this.#after(seconds);
      slot.answered.resolve();
    }
  }

  #after(seconds: number): number {
    return seconds === 0 ? 0 : this.#now() + seconds * 1000 + MARGIN_MS;
  }
}

function nothing(): void {}

/** The gates of this process: every client of it shares them. */
export const processGates = new Gates(Date.now, realSleep);

export function realSleep(milliseconds: number, signal?: AbortSignal): Promise<void> {
  return wait(milliseconds, undefined, signal === undefined ? {} : { signal }).catch(nothing);
}

const MAX_ATTEMPTS = { rate_limited: 6, unreachable: 4, server: 4 } as const;

/**
 * Milliseconds to wait before a call is sent again; undefined = not again.
 * A 429 was not carried out, so it may always be repeated, unless it asks for more than a minute; anything else only when
 * the call is idempotent.
 *
 * @param attempt how often it was sent, from 1
 * @param random 0 to 1, so that several processes of one account do not meet again
 */
export function retryDelay(error: VastError, idempotent: boolean, attempt: number, random: number): number | undefined {
  const { kind } = error;
  if (kind !== "rate_limited" && kind !== "unreachable" && kind !== "server") return undefined;
  if (kind !== "rate_limited" && !idempotent) return undefined;
  if (attempt >= MAX_ATTEMPTS[kind] || (error.thresholdSeconds ?? 0) > MOST_WAIT_SECONDS) return undefined;
  const backoff = kind === "rate_limited" ? Math.min(2 ** attempt, 30) * 1000 : 250 * 2 ** attempt;
  const wait = error.thresholdSeconds === undefined ? backoff : error.thresholdSeconds * 1000 + MARGIN_MS;
  return Math.round(wait + random * (kind === "rate_limited" ? 400 : 100));
}
