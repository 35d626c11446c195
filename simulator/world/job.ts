/** A call that Vast makes itself, again and again. */
export interface Job {
  readonly id: number;
  readonly instanceId: number | null;
  /** `/api/v0/instances/7/` */
  readonly endpoint: string;
  readonly method: string;
  readonly body: Readonly<Record<string, unknown>>;
  readonly frequency: Frequency;
  /** 0 = Sunday; null = every day. */
  readonly day: number | null;
  /** UTC; null = every hour. */
  readonly hour: number | null;
  /** A job was seen to stop when this was set to anything but 0. */
  readonly minute: number;
  /** Seconds since 1970. */
  readonly startTime: number;
  /** Seconds since 1970; null = no end. */
  readonly endTime: number | null;
}

export const FREQUENCIES = ["HOURLY", "DAILY", "WEEKLY"] as const;
export type Frequency = (typeof FREQUENCIES)[number];

/**
 * Observations of start_time differ. "waits": one HOURLY job waited for the hour of its start. "nextHour": another ran
 * at the next full hour, whatever its start; this reading ignores end_time too.
 */
export type Reading = "waits" | "nextHour";

const HOUR_MS = 3_600_000;

/** The first full hour after `now` at which a job runs, milliseconds; undefined = never again. */
export function nextRun(job: Job, now: number, reading: Reading): number | undefined {
  if (job.minute !== 0) return undefined;
  const start = Math.floor((job.startTime * 1000) / HOUR_MS) * HOUR_MS;
  const end = reading === "waits" && job.endTime !== null ? job.endTime * 1000 : Number.POSITIVE_INFINITY;
  let at = (Math.floor(now / HOUR_MS) + 1) * HOUR_MS;
  if (reading === "waits") at = Math.max(at, start);
  while (!falls(job, new Date(at))) at += HOUR_MS;
  return at <= end ? at : undefined;
}

function falls({ frequency, day, hour }: Job, at: Date): boolean {
  if (frequency !== "HOURLY" && at.getUTCHours() !== hour) return false;
  return frequency !== "WEEKLY" || at.getUTCDay() === day;
}
