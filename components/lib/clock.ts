/** Time, as far as renting needs it. */
export interface Clock {
  /** Milliseconds since 1970. */
  now(): number;
  /** Ends early, without an error, when the signal is aborted. */
  sleep(milliseconds: number, signal?: AbortSignal): Promise<void>;
  /** The present start of this machine; undefined or absent where it is not known. */
  boot?(): Boot | undefined;
}

/** A start of a machine, and how long ago that was. No clock setting changes it. */
export interface Boot {
  readonly id: string;
  /** Milliseconds. */
  readonly uptime: number;
}

/** A time that another process can compare with, even after the wall clock was set. */
export interface Moment {
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly boot?: Boot;
}

export function momentOf(clock: Pick<Clock, "now" | "boot">): Moment {
  const boot = clock.boot?.();
  return { at: clock.now(), ...(boot === undefined ? {} : { boot }) };
}

/**
 * Milliseconds since that moment, never less than 0: by the uptime within the same start of the machine, else by the
 * wall clock.
 */
export function since(moment: Moment, clock: Pick<Clock, "now" | "boot">): number {
  const now = momentOf(clock);
  const isSameBoot = now.boot !== undefined && now.boot.id === moment.boot?.id;
  const passed = isSameBoot ? now.boot.uptime - (moment.boot?.uptime ?? 0) : now.at - moment.at;
  return Math.max(passed, 0);
}

/** What an action answers within that time; undefined = nothing yet. The action goes on unless it heeds the signal. */
export function within<T>(milliseconds: number, action: (signal: AbortSignal) => Promise<T>): Promise<T | undefined> {
  const signal = AbortSignal.timeout(milliseconds);
  const late = new Promise<undefined>((resolve) => signal.addEventListener("abort", () => resolve(undefined)));
  return Promise.race([late, action(signal)]);
}

/**
 * Seconds that an HTTP answer asks to wait in its Retry-After header (RFC 9110, 10.2.3: seconds, or a date); undefined =
 * it does not, or not in these forms, or the date is over.
 *
 * @param now milliseconds since 1970
 */
export function retryAfterSeconds(header: string | undefined, now: number): number | undefined {
  const text = header?.trim() ?? "";
  if (/^\d+(\.\d+)?$/.test(text)) return Number(text);
  // A date names its day: Date.parse makes one of many a word.
  const at = /^[A-Za-z]{3,9},? /.test(text) ? Date.parse(text) : Number.NaN;
  return at > now ? (at - now) / 1000 : undefined;
}
