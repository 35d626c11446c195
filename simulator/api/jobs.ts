import { FREQUENCIES, type Job } from "../world/job.ts";
import { type Answer, json, refusal } from "./answer.ts";
import { Refused, refusing } from "./order.ts";
import type { Call, Route } from "./route.ts";

export const jobRoutes: readonly Route[] = [
  { endpoint: "GET /commands/schedule_job/", answer: show },
  { endpoint: "POST /commands/schedule_job/", answer: (call) => refusing(() => add(call)) },
  { endpoint: "PUT /commands/schedule_job/{id}/", answer: (call) => refusing(() => change(call)) },
  { endpoint: "DELETE /commands/schedule_job/{id}/", answer: remove },
  { endpoint: "GET /audit_logs/", answer: auditLog },
];

function show({ world }: Call): Answer {
  return json(
    200,
    world.schedule.all().map((job) => row(job)),
  );
}

function row({ id, instanceId, endpoint, method, body, frequency, day, hour, minute, startTime, endTime }: Job) {
  return {
    id,
    instance_id: instanceId,
    api_endpoint: endpoint,
    request_method: method,
    request_body: body,
    frequency,
    day_of_the_week: day,
    hour_of_the_day: hour,
    min_of_the_hour: minute,
    start_time: startTime,
    end_time: endTime,
  };
}

/** A second job for the same call is not made; the answer names the first one. */
function add({ world, body }: Call): Answer {
  const job = jobOf(body, {});
  const other = world.schedule.like(job);
  if (other !== undefined) {
    return refusal(422, "duplicate_job", "A scheduled job for this call exists already.", {
      scheduled_job_id: other.id,
    });
  }
  return json(200, { success: true, scheduled_job_id: world.schedule.add(job).id });
}

function change({ world, params, body }: Call): Answer {
  const old = world.schedule.get(Number(params.id));
  if (old === undefined) return noSuchJob(params.id);
  world.schedule.set({ ...jobOf(body, row(old)), id: old.id });
  return json(200, { success: true });
}

function remove({ world, params }: Call): Answer {
  if (world.schedule.get(Number(params.id)) === undefined) return noSuchJob(params.id);
  world.schedule.remove(Number(params.id));
  return json(200, { success: true });
}

function noSuchJob(id = ""): Answer {
  return refusal(404, "not_found", `Scheduled job ${id} not found.`);
}

/** Fields that are not given keep their old values. */
function jobOf(body: Call["body"], old: Readonly<Record<string, unknown>>): Omit<Job, "id"> {
  const given = { ...old, ...body };
  const frequency = FREQUENCIES.find((one) => one === given.frequency);
  if (frequency === undefined) throw invalid(`frequency must be one of ${FREQUENCIES.join(", ")}`);
  const startTime = numberIn(given, "start_time");
  if (startTime === null) throw invalid("start_time is required");
  const day = frequency === "WEEKLY" ? within(given, "day_of_the_week", 6) : null;
  const hour = frequency === "HOURLY" ? null : within(given, "hour_of_the_day", 23);
  const args = given.request_body;
  return {
    instanceId: numberIn(given, "instance_id"),
    endpoint: String(given.api_endpoint ?? ""),
    method: String(given.request_method ?? ""),
    body: typeof args === "object" && args !== null ? (args as Record<string, unknown>) : {},
    frequency,
    day,
    hour,
    minute: numberIn(given, "min_of_the_hour") ?? 0,
    startTime,
    endTime: numberIn(given, "end_time"),
  };
}

function within(given: Readonly<Record<string, unknown>>, name: string, most: number): number {
  const value = numberIn(given, name);
  if (value === null || !Number.isInteger(value) || value < 0 || value > most)
    throw invalid(`${name} must be a whole number from 0 to ${most}`);
  return value;
}

function numberIn(given: Readonly<Record<string, unknown>>, name: string): number | null {
  const value = given[name];
  return typeof value === "number" ? value : null;
}

function invalid(msg: string): Refused {
  return new Refused(refusal(400, "invalid_args", msg));
}

/** The newest first, as on Vast's page. */
function auditLog({ world }: Call): Answer {
  return json(
    200,
    world.audit.toReversed().map(({ at, keyId, address, route, args }) => ({
      ip_address: address,
      api_key_id: keyId,
      created_at: at / 1000,
      api_route: route,
      args,
    })),
  );
}
