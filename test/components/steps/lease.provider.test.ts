import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import type { LeaseInputs } from "../../../components/steps/lease.ts";
import { openBench } from "../../support/simulator.ts";

const home = mkdtempSync(join(tmpdir(), "vast-lease-test-"));
process.env.VAST_TRAINING_HOME = home;
after(() => rmSync(home, { recursive: true, force: true }));
const { provider } = await import("../../../components/steps/lease.provider.ts");
const { openEvents } = await import("../../../components/vast/ready/connect.ts");

const HOUR_MS = 3_600_000;

/** An instance of a simulator that runs by the hand clock, and what a lease of it is asked for. */
async function instance(t: Parameters<typeof openBench>[0], changes: Partial<LeaseInputs> = {}) {
  const bench = await openBench(t);
  const { simulator, clock, running } = bench;
  await clock.advance(1234);
  const instanceId = String(await running());
  const { url: apiUrl, apiKeyFile } = simulator;
  const base = { apiUrl, apiKeyFile, instanceId, leaseHours: null, maxHours: 48, startedAt: "a", ...changes };
  const inputs: LeaseInputs = base;
  const until = () => simulator.world.schedule.all().map(({ startTime }) => startTime * 1000);
  return { ...bench, inputs, until };
}

test("without leaseHours there is no job, and nothing changes later", async (t) => {
  const { inputs, until } = await instance(t);
  const { id, outs } = await provider.create(inputs);
  assert.equal(id, inputs.instanceId);
  assert.equal(outs.endsAt, "");
  assert.deepEqual(until(), []);
  assert.deepEqual(await provider.diff(id, outs, inputs), { replaces: [], changes: false });
});

test("leaseHours is when Vast stops it; a new value moves the job", async (t) => {
  const { inputs, until, clock } = await instance(t, { leaseHours: 10 });
  const { id, outs } = await provider.create(inputs);
  assert.deepEqual(until(), [Date.parse(outs.endsAt)]);
  const wait = Date.parse(outs.endsAt) - clock.now();
  assert.ok(wait >= 10 * HOUR_MS && wait < 11 * HOUR_MS);
  const news = { ...inputs, leaseHours: 20 };
  assert.equal((await provider.diff(id, outs, news)).changes, true);
  const moved = await provider.update(id, outs, news);
  assert.deepEqual(until(), [Date.parse(outs.endsAt) + 10 * HOUR_MS]);
  assert.equal(moved.outs.since, outs.since);
  const ends = [outs.endsAt, moved.outs.endsAt].map((time) => Date.parse(time));
  // Each simulator counts its instances from the same one.
  const own = openEvents()
    .read()
    .events.filter(({ instance }) => instance === Number(id));
  assert.deepEqual(
    own.slice(-2).map(({ what, until }) => [what, until]),
    ends.map((until) => ["lease moved", until]),
  );
});

test("it ends an hour after maxHours at the latest, counted anew when the machine has been started again", async (t) => {
  const { inputs, until, clock } = await instance(t, { leaseHours: 100, maxHours: 20 });
  const { id, outs } = await provider.create(inputs);
  const [first = 0] = until();
  assert.ok(first - clock.now() >= 21 * HOUR_MS && first - clock.now() < 22 * HOUR_MS);
  await clock.advance(15 * 3600);
  const later = await provider.update(id, outs, { ...inputs, leaseHours: 120 });
  assert.deepEqual(until(), [first]);
  const again = await provider.update(id, later.outs, { ...inputs, startedAt: "b" });
  assert.deepEqual(until(), [first + 15 * HOUR_MS]);
  assert.notEqual(again.outs.since, outs.since);
});

test("a later up renews it once that gives an hour or more", async (t) => {
  const { inputs } = await instance(t, { leaseHours: 10 });
  const at = (hours: number) => new Date(Date.now() + hours * HOUR_MS).toISOString();
  const outs = { ...inputs, endsAt: at(9.5), since: at(-0.5) };
  assert.equal((await provider.diff("7", outs, inputs)).changes, false);
  assert.equal((await provider.diff("7", { ...outs, endsAt: at(8), since: at(-2) }, inputs)).changes, true);
  // Vast had refused it.
  assert.equal((await provider.diff("7", { ...outs, endsAt: "" }, inputs)).changes, true);
  const bounded = { ...inputs, leaseHours: 49 };
  assert.equal((await provider.diff("7", { ...bounded, endsAt: at(9), since: at(-40) }, bounded)).changes, false);
});

test("another machine has another lease", async (t) => {
  const { inputs } = await instance(t);
  const { id, outs } = await provider.create(inputs);
  assert.deepEqual((await provider.diff(id, outs, { ...inputs, instanceId: "8" })).replaces, ["instanceId"]);
});
