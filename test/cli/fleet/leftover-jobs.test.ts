import assert from "node:assert/strict";
import { test } from "node:test";
import { openTargets } from "../../../cli/fleet/fleet.ts";
import { clearJobs } from "../../../cli/fleet/leftover-jobs.ts";
import { jobOrder } from "../../../components/vast/lease/job.ts";
import { firesAt } from "../../../components/vast/lease/moment.ts";
import { openBench } from "../../support/simulator.ts";

test("jobs of ours for a machine that is gone are removed, and nobody else's", async (t) => {
  const { simulator, clock, ask, running } = await openBench(t);
  const { url: apiUrl, apiKeyFile } = simulator;
  const { targets } = openTargets([{ apiUrl, apiKeyFile }], process.env);
  const ours = { now: clock.now, sleep: (milliseconds: number) => clock.advance(milliseconds / 1000) };
  const notes: string[] = [];
  const look = () => clearJobs(targets, ours, (text) => void notes.push(text));
  await look();
  const at = firesAt(clock.now(), 120);
  const id = await running();
  const orders = [jobOrder("stop", id, at), jobOrder("stop", 4242, at), jobOrder("delete", 4242, at)];
  const daily = { ...jobOrder("stop", 4343, at), frequency: "DAILY" };
  for (const order of [...orders, daily]) await ask("POST", "/api/v0/commands/schedule_job/", order);
  await look();
  assert.deepEqual(
    simulator.world.schedule.all().map(({ instanceId }) => instanceId),
    [id, 4343],
  );
  assert.deepEqual(
    notes.map((note) => note.replace(/job \d+/, "job N").replace(/ on .* UTC/, "")),
    ["stops", "deletes"].map(
      (does) => `scheduled job N, which ${does} instance 4242, is removed: the instance is gone`,
    ),
  );
});

test("a machine that shows late is not taken for gone", async (t) => {
  const { simulator, clock, ask, rent } = await openBench(t, { timings: { visible: 9 } });
  const { url: apiUrl, apiKeyFile } = simulator;
  const { targets } = openTargets([{ apiUrl, apiKeyFile }], process.env);
  const id = await rent();
  await ask("POST", "/api/v0/commands/schedule_job/", jobOrder("delete", id, firesAt(clock.now(), 120)));
  const ours = { now: clock.now, sleep: (milliseconds: number) => clock.advance(milliseconds / 1000) };
  await clearJobs(targets, ours, assert.fail);
  assert.equal(simulator.world.schedule.all().length, 1);
});

test("an account that has no such jobs is no trouble; one that does not answer is named", async (t) => {
  const { simulator, clock } = await openBench(t);
  const { url: apiUrl, apiKeyFile } = simulator;
  const { targets } = openTargets([{ apiUrl, apiKeyFile }], process.env);
  const ours = { now: clock.now, sleep: async () => {} };
  const notes: string[] = [];
  simulator.world.faults.add({ on: "GET /commands/schedule_job/", do: "forbidden403" });
  await clearJobs(targets, ours, assert.fail);
  simulator.world.faults.add({ on: "GET /commands/schedule_job/", do: "serverErrorBefore", times: 0 });
  await clearJobs(targets, ours, (text) => void notes.push(text));
  assert.match(notes.join("\n"), /^Vast's scheduled jobs cannot be looked at now: /);
});
