/** Called when its time has come. A hand-turned clock waits for its promise. */
export type Alarm = () => void | Promise<void>;

/** The simulator's time: nothing else in it reads the clock or sets a timer. */
export interface Clock {
  /** Milliseconds since 1970. */
  now(): number;
  /** Rings once after so many milliseconds; returns a function that cancels it. */
  after(milliseconds: number, alarm: Alarm): () => void;
}

/** A clock that stands still until it is turned. */
export interface HandClock extends Clock {
  /** Rings everything due on the way, in order, and waits for what it started. */
  advance(seconds: number): Promise<void>;
}

const LONGEST_TIMEOUT_MS = 2 ** 31 - 1;

export function realClock(): Clock {
  return { now: () => Date.now(), after: waitFor };
}

/** Node's timers overflow after 24 days, and rentals last longer. */
function waitFor(milliseconds: number, alarm: Alarm): () => void {
  if (milliseconds <= LONGEST_TIMEOUT_MS) {
    const timer = setTimeout(alarm, Math.max(0, milliseconds));
    return () => clearTimeout(timer);
  }
  let cancel = () => {};
  const timer = setTimeout(() => {
    cancel = waitFor(milliseconds - LONGEST_TIMEOUT_MS, alarm);
  }, LONGEST_TIMEOUT_MS);
  return () => {
    clearTimeout(timer);
    cancel();
  };
}

/** @param start milliseconds since 1970 */
export function handClock(start = Date.UTC(2026, 8, 1)): HandClock {
  let now = start;
  let due: { at: number; alarm: Alarm }[] = [];
  const nextBefore = (end: number) =>
    due.filter(({ at }) => at <= end).reduce<(typeof due)[number] | undefined>(earlier, undefined);
  return {
    now: () => now,
    after(milliseconds, alarm) {
      const entry = { at: now + Math.max(0, milliseconds), alarm };
      due.push(entry);
      return () => {
        due = due.filter((other) => other !== entry);
      };
    },
    async advance(seconds) {
      const end = now + seconds * 1000;
      for (let next = nextBefore(end); next !== undefined; next = nextBefore(end)) {
        const entry = next;
        due = due.filter((other) => other !== entry);
        now = Math.max(now, entry.at);
        await entry.alarm();
      }
      now = Math.max(now, end); // somebody else may have turned it meanwhile
    },
  };
}

function earlier<T extends { at: number }>(first: T | undefined, second: T): T {
  return first === undefined || second.at < first.at ? second : first;
}

export function isHandClock(clock: Clock): clock is HandClock {
  return "advance" in clock;
}

/** A sleep by this clock. */
export function sleep(clock: Clock, seconds: number): Promise<void> {
  return new Promise((done) => {
    clock.after(seconds * 1000, done);
  });
}

/** The same clock, with a way to cancel all its alarms at once. */
export function scoped<T extends Clock>(clock: T): { readonly clock: T; readonly end: () => void } {
  const pending = new Set<() => void>();
  const after: Clock["after"] = (milliseconds, alarm) => {
    const cancel = clock.after(milliseconds, () => {
      pending.delete(cancel);
      return alarm();
    });
    pending.add(cancel);
    return () => {
      pending.delete(cancel);
      cancel();
    };
  };
  const end = () => {
    for (const cancel of pending) cancel();
    pending.clear();
  };
  return { clock: Object.assign(Object.create(clock), { after }), end };
}
