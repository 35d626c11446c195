import assert from "node:assert/strict";
import { test } from "node:test";
import { type Body, openBench } from "../../support/simulator.ts";

const JOBS = "/api/v0/commands/schedule_job/";
const HOUR = 3600;

/** The clock of a bench stands at a full hour. */
async function openJobs(t: Parameters<typeof openBench>[0], reading = "waits") {
  const bench = await openBench(t);
  await bench.ask("POST", "/_sim/jobs", { reading }, null);
  await bench.ask("POST", "/_sim/account", { credit: 10_000 }, null);
  const id = await bench.rent({}, { duration: { gte: 20 * 86_400 } });
  await bench.clock.advance(10);
  const now = () => bench.clock.now() / 1000;
  const job = (changes: Record<string, unknown>): Record<string, unknown> => ({
    start_time: now(),
    end_time: now() + 30 * 86_400,
    api_endpoint: `/api/v0/instances/${id}/`,
    request_method: "DELETE",
    request_body: {},
    day_of_the_week: null,
    hour_of_the_day: null,
    frequency: "HOURLY",
    instance_id: id,
    ...changes,
  });
  const state = () => bench.simulator.world.contracts.get(id)?.state;
  return { ...bench, id, now, job, state };
}

/** A weekly job that runs at this time, seconds. */
function weekly(at: number): Record<string, unknown> {
  const date = new Date(at * 1000);
  return {
    start_time: at,
    frequency: "WEEKLY",
    day_of_the_week: date.getUTCDay(),
    hour_of_the_day: date.getUTCHours(),
  };
}

for (const reading of ["waits", "nextHour"]) {
  test(`a weekly job waits for its day and hour, and comes again (${reading})`, async (t) => {
    const { ask, clock, job, now, id, instance } = await openJobs(t, reading);
    const at = Math.floor(now() / HOUR) * HOUR + 50 * HOUR;
    const stop = { request_method: "PUT", request_body: { state: "stopped" } };
    assert.equal((await ask("POST", JOBS, job({ ...weekly(at), ...stop }))).status, 200);
    await clock.advance(at - now() - 1);
    assert.equal((await instance(id)).intended_status, "running");
    await clock.advance(2);
    assert.equal((await instance(id)).intended_status, "stopped");
    await ask("PUT", `/api/v0/instances/${id}/`, { state: "running" });
    await clock.advance(7 * 24 * HOUR - 60);
    assert.equal((await instance(id)).intended_status, "running");
    await clock.advance(60);
    assert.equal((await instance(id)).intended_status, "stopped");
  });
}

test("what an hourly job does depends on the reading: one destroys at the next full hour", async (t) => {
  for (const [reading, after] of [
    ["waits", "running"],
    ["nextHour", "gone"],
  ] as const) {
    const { ask, clock, job, now, state } = await openJobs(t, reading);
    await ask("POST", JOBS, job({ start_time: now() + 5 * HOUR }));
    await clock.advance(HOUR + 60);
    assert.equal(state(), after, reading);
    await clock.advance(5 * HOUR);
    assert.equal(state(), "gone");
  }
});

test("a second job for the same call is refused with the id of the first, which can be moved and removed", async (t) => {
  const { ask, clock, job, now, state, id } = await openJobs(t);
  const { body: first } = await ask("POST", JOBS, job(weekly(now() + 3 * HOUR)));
  const second = await ask("POST", JOBS, job(weekly(now() + 4 * HOUR)));
  assert.equal(second.status, 422);
  assert.equal(second.body.scheduled_job_id, first.scheduled_job_id);
  const other = { request_method: "PUT", request_body: { state: "stopped" } };
  assert.equal((await ask("POST", JOBS, job({ ...weekly(now() + 9 * HOUR), ...other }))).status, 200);
  const one = `${JOBS}${first.scheduled_job_id}/`;
  assert.equal((await ask("PUT", one, { request_body: {}, ...weekly(now() + 8 * HOUR) })).status, 200);
  const { body: rows } = await ask("GET", JOBS);
  const moved = rows.find((row: Body) => row.id === first.scheduled_job_id);
  assert.equal(moved.instance_id, id);
  assert.equal(moved.start_time, now() + 8 * HOUR);
  await clock.advance(5 * HOUR);
  assert.equal(state(), "running");
  assert.equal((await ask("DELETE", one)).status, 200);
  assert.equal((await ask("DELETE", one)).status, 404);
  await clock.advance(3 * HOUR + 60);
  assert.equal(state(), "running");
});

test("a minute that is not 0 stops a job, and wrong ones are refused", async (t) => {
  const { ask, clock, job, state } = await openJobs(t);
  const { body } = await ask("POST", JOBS, job({}));
  await ask("PUT", `${JOBS}${body.scheduled_job_id}/`, { min_of_the_hour: 30 });
  await clock.advance(3 * HOUR);
  assert.equal(state(), "running");
  for (const wrong of [{ frequency: "OFTEN" }, { frequency: "WEEKLY" }, { frequency: "DAILY", hour_of_the_day: 24 }])
    assert.equal((await ask("POST", JOBS, job({ request_method: "PUT", ...wrong }))).status, 400);
});

test("a PUT of a job may have no effect", async (t) => {
  const { ask, clock, job, now, state } = await openJobs(t);
  await ask("POST", "/_sim/jobs", { putsWork: false }, null);
  const stop = { request_method: "PUT", request_body: { state: "stopped" } };
  await ask("POST", JOBS, job({ ...weekly(Math.floor(now() / HOUR) * HOUR + 2 * HOUR), ...stop }));
  await clock.advance(2 * HOUR);
  assert.equal(state(), "running");
});

test("the audit log names the key of each DELETE; an instance's own key opens nothing else", async (t) => {
  const { ask, clock, job, id, simulator, rent } = await openJobs(t);
  const key = simulator.world.contracts.get(id)?.apiKey ?? "";
  assert.notEqual((await ask("GET", JOBS, undefined, key)).status, 200);
  assert.notEqual((await ask("POST", JOBS, job({}), key)).status, 200);
  assert.notEqual((await ask("GET", "/api/v0/audit_logs/", undefined, key)).status, 200);
  await ask("POST", JOBS, job({}));
  await clock.advance(HOUR + 1);
  const other = await rent();
  await ask("DELETE", `/api/v0/instances/${other}/`, {});
  const { body } = await ask("GET", "/api/v0/audit_logs/");
  const deletes = body.filter(({ api_route }: Body) => api_route.startsWith("DELETE"));
  assert.deepEqual(
    deletes.map(({ api_route, api_key_id }: Body) => [api_route, api_key_id]),
    [
      [`DELETE /api/v0/instances/${other}/`, 1],
      [`DELETE /api/v0/instances/${id}/`, 0],
    ],
  );
});

test("GPUs are billed for some minutes after the DELETE", async (t) => {
  const { ask, clock, running, ledgerOf } = await openBench(t, { timings: { tail: 240 } });
  const id = await running();
  await clock.advance(600);
  const { cost: before, ratePerHour } = await ledgerOf(id);
  await ask("DELETE", `/api/v0/instances/${id}/`, {});
  await clock.advance(10);
  const { cost: after } = await ledgerOf(id);
  assert.ok(after.gpu - before.gpu > (ratePerHour * 230) / 3600);
  await clock.advance(600);
  assert.equal((await ledgerOf(id)).cost.gpu, after.gpu);
});
