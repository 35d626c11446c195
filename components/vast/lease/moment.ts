const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
const WEEK_MS = 7 * DAY_MS;

/** Vast might run a job that starts sooner in the hour that has already begun. */
export const LEAST_MINUTES = 61;
/** The longest lease: a weekly job runs when its day and hour next come, whatever its start. */
export const MOST_HOURS = 143;

/** When a job of Vast runs, as Vast's API wants it. Jobs run at full hours, UTC. */
export interface JobTime {
  readonly frequency: "WEEKLY";
  /** 0 = Sunday. */
  readonly day_of_the_week: number;
  readonly hour_of_the_day: number;
  /** Unix seconds of the first run. */
  readonly start_time: number;
  /** The same time: if Vast heeds it, the job does not run again a week later. */
  readonly end_time: number;
}

/**
 * The first full hour that is at least so many minutes away, milliseconds; 61 minutes at least, six days at most.
 *
 * @param now by Vast's clock, milliseconds: this machine's may be wrong
 */
export function firesAt(now: number, minutes: number): number {
  const wanted = now + Math.max(minutes, LEAST_MINUTES) * MINUTE_MS;
  const latest = Math.floor((now + 6 * DAY_MS) / HOUR_MS) * HOUR_MS;
  return Math.min(Math.ceil(wanted / HOUR_MS) * HOUR_MS, latest);
}

/**
 * WEEKLY, never HOURLY: an hourly job was seen to run at the next full hour, whatever its start. A weekly job with the
 * day and hour of a start within the week cannot run earlier than that, even if Vast ignores the start.
 *
 * @param at of the run, milliseconds: a full hour
 */
export function jobTime(at: number): JobTime {
  const date = new Date(at);
  return {
    frequency: "WEEKLY",
    day_of_the_week: date.getUTCDay(),
    hour_of_the_day: date.getUTCHours(),
    start_time: at / 1000,
    end_time: (at + DAY_MS) / 1000,
  };
}

/** When a weekly job may run next, milliseconds, if Vast ignores its start and end. */
export function nextRun(day: number, hour: number, now: number): number {
  const date = new Date(now);
  const midnight = Date.UTC(date.getUTCFullYear(), date.getUTCMonth(), date.getUTCDate());
  const at = midnight + (day - date.getUTCDay()) * DAY_MS + hour * HOUR_MS;
  return at > now ? at : at + WEEK_MS;
}

/**
 * How long a lease that is made now lasts, minutes. It ends no later than an hour after training has used up its hours.
 *
 * @param age of this life of the machine, milliseconds
 */
export function leaseMinutes(
  { leaseHours, maxHours }: { readonly leaseHours: number; readonly maxHours: number },
  age: number,
): number {
  return Math.min(leaseHours * 60, (maxHours + 1) * 60 - age / MINUTE_MS);
}
