import type { JobOrder } from "../client/requests.ts";
import type { ScheduledJob } from "../client/wire.ts";
import { jobTime, nextRun } from "./moment.ts";

/** What a job of ours does to its instance. */
export type Ending = "delete" | "stop";

const CALLS = {
  delete: { request_method: "DELETE", request_body: {} },
  stop: { request_method: "PUT", request_body: { state: "stopped" } },
} as const;

/** A job that ends an instance. @param at a full hour, milliseconds */
export function jobOrder(ending: Ending, instanceId: number, at: number): JobOrder {
  const api_endpoint = `/api/v0/instances/${instanceId}/`;
  return { ...CALLS[ending], ...jobTime(at), api_endpoint, instance_id: instanceId };
}

/** The instance that a job's call is about; undefined = another kind of call. */
export function instanceOf({ endpoint }: Pick<ScheduledJob, "endpoint">): number | undefined {
  const id = /^\/api\/v\d\/instances\/(\d+)\/?$/.exec(endpoint)?.[1];
  return id === undefined ? undefined : Number(id);
}

/** Does the job, whoever made it, delete this instance? */
export function deletes(job: ScheduledJob, instanceId: number): boolean {
  return job.method === "DELETE" && instanceOf(job) === instanceId;
}

/** What a job does, if it looks like one of ours; undefined = somebody else's. */
export function endingOf(job: ScheduledJob): Ending | undefined {
  const { frequency, day, hour, minute, method, body } = job;
  if (frequency !== "WEEKLY" || day === null || hour === null || (minute ?? 0) !== 0) return undefined;
  if (instanceOf(job) === undefined) return undefined;
  if (method === "DELETE") return "delete";
  return method === "PUT" && body.state === "stopped" && Object.keys(body).length === 1 ? "stop" : undefined;
}

/** When a job may run next, milliseconds; undefined = not known. */
export function runsAt({ day, hour }: ScheduledJob, now: number): number | undefined {
  return day === null || hour === null ? undefined : nextRun(day, hour, now);
}

/** For people: "scheduled job 17, which deletes instance 7 on 2026-11-27 14:00 UTC". */
export function jobText(job: ScheduledJob, now: number): string {
  const does = job.method === "DELETE" ? "deletes" : "stops";
  const at = runsAt(job, now);
  const when = at === undefined ? "at a time that is not known" : `on ${hourText(at)}`;
  return `scheduled job ${job.id}, which ${does} instance ${instanceOf(job) ?? "unknown"} ${when}`;
}

/** For people: what happens at the end of a lease. @param at milliseconds */
export function leaseEndText(instanceId: number | string, at: number): string {
  return `Vast stops instance ${instanceId} on ${hourText(at)} (leaseHours)`;
}

function hourText(at: number): string {
  return `${new Date(at).toISOString().slice(0, 16).replace("T", " ")} UTC`;
}
