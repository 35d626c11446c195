import type { Clock } from "../../lib/clock.ts";
import type { VastClient } from "../client/client.ts";
import { isPassing, isVastError, vastError } from "../client/errors.ts";
import { VISIBLE_MS } from "../client/instance-list.ts";
import type { Instance, ScheduledJob } from "../client/wire.ts";
import { deletes, type Ending, endingOf, instanceOf, jobOrder, jobText, leaseEndText, runsAt } from "./job.ts";
import { firesAt } from "./moment.ts";

type Jobs = Pick<VastClient, "jobs" | "addJob" | "moveJob" | "removeJob" | "vastNow">;

/** A job that Vast has shown as it was asked for. */
interface Placed {
  /** When it runs, milliseconds. */
  readonly endsAt: number;
  /** All jobs, as they were then. */
  readonly jobs: readonly ScheduledJob[];
}

/**
 * Makes Vast end an instance by itself at the first full hour that is at least so many minutes away: adds a job, or
 * moves the one that is there, and reads it back.
 *
 * @param mayLeave false = nothing more is sent
 */
export async function place(
  client: Jobs,
  ending: Ending,
  id: number,
  minutes: number,
  mayLeave?: () => Promise<boolean>,
): Promise<Placed> {
  const at = firesAt(timeOf(client), minutes);
  const order = jobOrder(ending, id, at);
  try {
    await client.addJob(order, mayLeave === undefined ? {} : { mayLeave });
  } catch (error) {
    if (!isVastError(error) || error.jobId === undefined) throw error;
    const { jobId } = error;
    // The number may belong to another job by now.
    if (!oursFor(await client.jobs(), id, ending).some((job) => job.id === jobId)) throw error;
    await client.moveJob(jobId, order);
  }
  const jobs = await client.jobs();
  const [made] = oursFor(jobs, id, ending);
  if (made === undefined || runsAt(made, timeOf(client)) !== at)
    throw vastError("refused", `Vast does not show the job that would ${ending} instance ${id} as it was asked for`);
  return { endsAt: at, jobs };
}

/** The result of asking for a lease. */
export interface Held {
  /** When Vast stops the instance, milliseconds; null = never. */
  readonly endsAt: number | null;
  /** Why there is no lease although one was asked for. */
  readonly refused?: string;
}

/**
 * Runs before training starts on an instance: first asks for a job that stops it, then makes sure that none deletes it.
 * So a kill at any point leaves one of these jobs. Throws when a job that deletes it is still there.
 *
 * @param minutes until it is stopped; null = no lease
 */
export async function hold(client: Jobs, id: number, minutes: number | null): Promise<Held> {
  const { jobs = await knownJobs(client), ...held } = await placeStop(client, id, minutes);
  const ours = oursFor(jobs, id, "delete");
  for (const job of ours) await client.removeJob(job.id);
  const left = ours.length === 0 ? jobs : await client.jobs();
  const [first] = left.filter((job) => deletes(job, id));
  if (first === undefined) return held;
  const text = jobText(first, timeOf(client));
  throw new Error(
    `training is not started on instance ${id}, because Vast still has ${text}; remove it with vastai delete scheduled-job ${first.id}, then run pulumi up again`,
  );
}

/** `jobs` = all of them after that, if they were looked at. */
async function placeStop(
  client: Jobs,
  id: number,
  minutes: number | null,
): Promise<Held & { readonly jobs?: readonly ScheduledJob[] }> {
  if (minutes === null) return { endsAt: null };
  try {
    return await place(client, "stop", id, minutes);
  } catch (error) {
    if (!isVastError(error)) throw error;
    return { endsAt: null, refused: error.message };
  }
}

/**
 * Runs before an instance is started again: makes sure that no job ends it within so many minutes. One that deletes it
 * is removed, one that stops it is moved. Throws when that is not certain; then the instance must not be started.
 */
export async function postpone(client: Jobs, id: number, minutes: number): Promise<void> {
  const jobs = await knownJobs(client);
  if (oursFor(jobs, id, "delete").length > 0) await hold(client, id, null);
  const stopping = oursFor(jobs, id, "stop");
  const now = stopping.length === 0 ? 0 : timeOf(client);
  const isEarly = (job: ScheduledJob) => (runsAt(job, now) ?? now) < firesAt(now, minutes);
  if (stopping.some(isEarly)) await place(client, "stop", id, minutes);
}

/** When Vast stops an instance, milliseconds; null = no job does. */
export async function leaseEnd(client: Pick<Jobs, "jobs" | "vastNow">, id: number): Promise<number | null> {
  const [job] = oursFor(await client.jobs(), id, "stop");
  return job === undefined ? null : (runsAt(job, timeOf(client)) ?? null);
}

/** Removes every job of ours for an instance. The caller has made sure that it is gone. */
export async function clear(client: Pick<Jobs, "jobs" | "removeJob">, id: number): Promise<void> {
  const jobs = await client.jobs();
  for (const job of [...oursFor(jobs, id, "delete"), ...oursFor(jobs, id, "stop")]) await client.removeJob(job.id);
}

/**
 * Removes jobs of ours whose instance is certainly gone; answers with a line for each. Looks twice for a missing
 * instance, because Vast shows a new one late.
 */
export async function clearLeftovers(
  client: Pick<VastClient, "jobs" | "removeJob" | "vastNow" | "instances" | "instance">,
  { sleep }: Pick<Clock, "sleep">,
): Promise<string[]> {
  const jobs = (await client.jobs()).filter((job) => endingOf(job) !== undefined);
  const orphans = jobs.length === 0 ? [] : await withoutInstance(client, jobs);
  if (orphans.length === 0) return [];
  await sleep(VISIBLE_MS);
  const lines: string[] = [];
  for (const job of await withoutInstance(client, orphans)) {
    if ((await client.instance(instanceOf(job) ?? 0)) !== undefined) continue;
    await client.removeJob(job.id);
    lines.push(`${jobText(job, timeOf(client))}, is removed: the instance is gone`);
  }
  return lines;
}

/** "Vast stops instance 7 on 2026-11-27 14:00 UTC (leaseHours)"; undefined = no lease, or Vast cannot be asked now. */
export async function leaseText(client: Pick<Jobs, "jobs" | "vastNow">, id: number): Promise<string | undefined> {
  try {
    const at = await leaseEnd(client, id);
    return at === null ? undefined : leaseEndText(id, at);
  } catch (error) {
    if (!isVastError(error)) throw error;
    return undefined;
  }
}

async function withoutInstance(client: Pick<VastClient, "instances">, jobs: ScheduledJob[]): Promise<ScheduledJob[]> {
  const ids = (await client.instances()).map(({ id }: Instance) => id);
  return jobs.filter((job) => !ids.includes(instanceOf(job) ?? 0));
}

/** The jobs that look like ours and end this instance in this way. */
function oursFor(jobs: readonly ScheduledJob[], id: number, ending: Ending): ScheduledJob[] {
  return jobs.filter((job) => endingOf(job) === ending && instanceOf(job) === id);
}

/** All jobs; none where Vast has no such thing for this key. */
function knownJobs(client: Pick<Jobs, "jobs">): Promise<ScheduledJob[]> {
  return client.jobs().catch((error) => {
    if (knowsNoJobs(error)) return [];
    throw error;
  });
}

/** Vast has no scheduled jobs for this key, so there is no lease either. */
export function knowsNoJobs(error: unknown): boolean {
  return isVastError(error) && !isPassing(error) && !isVastError(error, "auth", "config", "no_key", "aborted");
}

/** Now, by Vast's own clock. Throws when no answer of Vast has told the time yet. */
function timeOf({ vastNow }: Pick<VastClient, "vastNow">): number {
  if (vastNow === undefined) throw vastError("refused", "Vast's answers do not tell the time, so no job is made");
  return vastNow;
}
