import { isVastError, type VastError } from "./errors.ts";

/**
 * Seconds that Vast wants between two calls of an endpoint by one key, from its published limits. Endpoints that are
 * not listed have no published limit.
 */
const THRESHOLDS: Readonly<Record<string, number>> = {
  "PUT /asks/{id}/": 4.5,
  "GET /instances/{id}/": 2,
  "GET /instances/": 1,
  "PUT /instances/{id}/": 1,
  "DELETE /instances/{id}/": 3,
  "PUT /instances/reboot/{id}/": 1,
  "PUT /instances/bid_price/{id}/": 5.5,
  "POST /ssh/": 1,
};

/** Vast and we measure the interval at two ends of a line. */
const MARGIN_MS = 100;

/** Seconds between two calls of `METHOD /template/`; 0 = no published limit. */
export function thresholdOf(endpoint: string): number {
  return THRESHOLDS[endpoint] ?? 0;
}

interface Gate {
  /** Settles when the caller before has had its answer. */
  turn: Promise<void>;
  /** Milliseconds; no call leaves before. */
  openAt: number;
}

/**
 * One gate for each name (key and endpoint): the first call never waits, the next leaves when the interval since the
 * last answer is over. Endpoints without a limit pass freely until a 429 tells one.
 *
 * A gate shared between processes would keep `openAt` in a file instead of this map.
 */
export class Gates {
  readonly #gates = new Map<string, Gate>();
  readonly #now: () => number;
  readonly #sleep: (milliseconds: number) => Promise<void>;

  constructor(now: () => number, sleep: (milliseconds: number) => Promise<void>) {
    this.#now = now;
    this.#sleep = sleep;
  }

  /** Makes a call when its turn has come. */
  async run<T>(name: string, thresholdSeconds: number, call: () => Promise<T>): Promise<T> {
    const gate = this.#gates.get(name) ?? { turn: Promise.resolve(), openAt: 0 };
    this.#gates.set(name, gate);
    if (thresholdSeconds === 0 && gate.openAt <= this.#now()) return this.#pass(gate, 0, call);
    const result = gate.turn.then(async () => {
      await this.#open(gate);
      return this.#pass(gate, thresholdSeconds, call);
    });
    gate.turn = result.then(nothing, nothing);
    return result;
  }

  async #open(gate: Gate): Promise<void> {
    for (let wait = gate.openAt - this.#now(); wait > 0; wait = gate.openAt - this.#now()) await this.#sleep(wait);
  }

  /** Counts from the answer: by then Vast has certainly seen the call, however long the line took. */
  async #pass<T>(gate: Gate, thresholdSeconds: number, call: () => Promise<T>): Promise<T> {
    let seconds = thresholdSeconds;
    try {
      return await call();
    } catch (error) {
      if (isVastError(error, "rate_limited")) seconds = Math.max(seconds, error.thresholdSeconds ?? 0);
      throw error;
    } finally {
      if (seconds > 0) gate.openAt = Math.max(gate.openAt, this.#now() + seconds * 1000 + MARGIN_MS);
    }
  }
}

function nothing(): void {}

/** The gates of this process: every client of it shares them. */
export const processGates = new Gates(
  Date.now,
  (milliseconds) => new Promise((done) => setTimeout(done, milliseconds)),
);

const MAX_ATTEMPTS = { rate_limited: 6, unreachable: 4, server: 4 } as const;

/**
 * Milliseconds to wait before a call is sent again; undefined = not again.
 * A 429 was not carried out, so it may always be repeated; anything else only when the call is idempotent.
 *
 * @param attempt how often it was sent, from 1
 * @param random 0 to 1, so that several processes of one account do not meet again
 */
export function retryDelay(error: VastError, idempotent: boolean, attempt: number, random: number): number | undefined {
  const { kind } = error;
  if (kind !== "rate_limited" && kind !== "unreachable" && kind !== "server") return undefined;
  if (kind !== "rate_limited" && !idempotent) return undefined;
  if (attempt >= MAX_ATTEMPTS[kind]) return undefined;
  const backoff = kind === "rate_limited" ? Math.min(2 ** attempt, 30) * 1000 : 250 * 2 ** attempt;
  const wait = error.thresholdSeconds === undefined ? backoff : error.thresholdSeconds * 1000 + MARGIN_MS;
  return Math.round(wait + random * (kind === "rate_limited" ? 400 : 100));
}
