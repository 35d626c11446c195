import assert from "node:assert/strict";
import { test } from "node:test";
import type { VastClient } from "../../../../components/vast/client/client.ts";
import { clear, clearLeftovers, hold, leaseEnd, place, postpone } from "../../../../components/vast/lease/lease.ts";
import { rent } from "../../../../components/vast/rental/rental.ts";
import { resume } from "../../../../components/vast/rental/resume.ts";
import { clientWith } from "../../../support/means.ts";
import { renting, type World } from "../../../support/renting.ts";
import { criteria, label, request } from "../../../support/request.ts";

const HOUR = 3600;
const READINGS = ["waits", "nextHour"] as const;

/** An instance that a run has rented, and Vast will delete. */
async function rented(t: Parameters<typeof renting>[0], reading: (typeof READINGS)[number]) {
  const world = await renting(t, { mayLive: ({ living }) => living() });
  const { simulator, means, clock } = world;
  simulator.world.schedule.reading = reading;
  simulator.world.account.paidIn = 10_000;
  // Not at a full hour.
  await clock.advance(1234);
  const { instance } = await rent(means, request);
  const state = () => simulator.world.contracts.get(instance.id)?.state ?? "none";
  const jobs = () =>
    simulator.world.schedule.all().map(({ method, endpoint }) => `${method} ${endpoint.split("/")[4]}`);
  const { client } = means;
  return { ...world, client, id: instance.id, state, jobs, from: clock.now() };
}

/** A client that dies at its nth call to Vast's scheduler, before or after it was carried out. */
function dying(client: VastClient, nth: number, after: boolean): VastClient {
  let calls = 0;
  const mortal =
    <A extends unknown[], T>(call: (...args: A) => Promise<T>) =>
    async (...args: A): Promise<T> => {
      calls += 1;
      if (calls === nth && !after) throw new Killed();
      const answer = await call.apply(client, args);
      if (calls === nth) throw new Killed();
      return answer;
    };
  return clientWith(client, {
    jobs: mortal(client.jobs),
    addJob: mortal(client.addJob),
    moveJob: mortal(client.moveJob),
    removeJob: mortal(client.removeJob),
  });
}

class Killed extends Error {}

for (const reading of READINGS) {
  test(`what nobody comes back for is deleted by Vast, within 61 minutes of its time (${reading})`, async (t) => {
    const { state, jobs, id, clock, from } = await rented(t, reading);
    assert.deepEqual(jobs(), [`DELETE ${id}`]);
    await clock.advance((request.minutes.total + 60) * 60 - 120);
    assert.equal(state(), "running");
    await clock.advance(61 * 60 + 60);
    assert.equal(state(), "gone");
    assert.ok(clock.now() - from < (request.minutes.total + 60 + 63) * 60_000);
  });

  test(`a kill at any call: the hour strikes, and what was kept is there, what was not is gone (${reading})`, async (t) => {
    for (const leaseMinutes of [null, 49 * 60]) {
      for (let nth = 1; ; nth++) {
        const ends: boolean[] = [];
        for (const after of [false, true]) {
          const { client, id, state, jobs, clock } = await rented(t, reading);
          const killed = await hold(dying(client, nth, after), id, leaseMinutes).then(
            () => false,
            (error) => {
              assert.ok(error instanceof Killed, error);
              return true;
            },
          );
          ends.push(killed);
          // The next up does it again, before anything else.
          const { endsAt } = await hold(client, id, leaseMinutes);
          assert.deepEqual(jobs(), leaseMinutes === null ? [] : [`PUT ${id}`], `${nth} ${after}`);
          await clock.advance(48 * HOUR);
          assert.equal(state(), "running", `${nth} ${after}`);
          await clock.advance(3 * HOUR);
          assert.equal(state(), leaseMinutes === null ? "running" : "stopped");
          assert.equal(endsAt === null, leaseMinutes === null);
        }
        if (ends.every((killed) => !killed)) break;
      }
    }
  });

  test(`a lease that has fired, a start for its files across two full hours, and a run that outlives the week (${reading})`, async (t) => {
    const { means, client, id, state, clock } = await rented(t, reading);
    await hold(client, id, 143 * 60);
    await clock.advance(144 * HOUR);
    assert.equal(state(), "stopped");
    const start = async (minutes: number) => {
      const instance = await client.instance(id);
      assert.ok(instance);
      await resume(means, { instance, label, criteria, publicKey: "k", minutes });
    };
    // A week after it has fired the same job is due again.
    const again = (await leaseEnd(client, id)) ?? 0;
    await clock.advance((again - clock.now()) / 1000 - 600);
    await start(180);
    await clock.advance(2 * HOUR + 600);
    assert.equal(state(), "running");
    // The run goes on, and each up holds it anew.
    for (let day = 0; day < 14; day++) {
      await hold(client, id, 49 * 60);
      await clock.advance(24 * HOUR);
      assert.equal(state(), "running", `day ${day}`);
    }
    await clock.advance(27 * HOUR);
    assert.equal(state(), "stopped");
  });

  test(`two processes, in any order: what one keeps the other does not delete (${reading})`, async (t) => {
    const { means, client, id, state, jobs, journal, clock } = await rented(t, reading);
    // Another process, which does not know that the first one has armed it, takes it over.
    journal.close(label);
    const other = await rent(means, request);
    assert.equal(other.instance.id, id);
    assert.deepEqual(jobs(), [`DELETE ${id}`]);
    await hold(client, id, null);
    await clock.advance(30 * HOUR);
    assert.equal(state(), "running");
  });
}

test("training is not started while a job that would delete the machine is left", async (t) => {
  const { client, id, clock, simulator } = await rented(t, "waits");
  const [own] = simulator.world.schedule.all();
  assert.ok(own);
  simulator.world.schedule.set({ ...own, frequency: "DAILY", day: null });
  await assert.rejects(
    hold(client, id, null),
    new RegExp(
      `training is not started on instance ${id}, because Vast still has scheduled job ${own.id}, which deletes`,
    ),
  );
  simulator.world.schedule.set(own);
  const stubborn = clientWith(client, { removeJob: async () => true });
  await assert.rejects(hold(stubborn, id, null), /vastai delete scheduled-job/);
  await clock.advance(1);
});

test("Vast refuses a lease: the job that deletes is removed all the same, and the run goes on", async (t) => {
  const { client, id, jobs, simulator } = await rented(t, "waits");
  simulator.world.faults.add({ on: "POST /commands/schedule_job/", do: "forbidden403" });
  const { endsAt, refused } = await hold(client, id, 49 * 60);
  assert.equal(endsAt, null);
  assert.match(refused ?? "", /not authorized/i);
  assert.deepEqual(jobs(), []);
});

test("Vast refuses the job that deletes: one line says that there is no lease", async (t) => {
  const world = await renting(t, {
    mayLive: ({ living }) => living(),
    faults: [{ on: "POST /commands/schedule_job/", do: "forbidden403", times: 0 }],
  });
  const { instance } = await rent(world.means, request);
  assert.equal(world.said.filter((line) => line.startsWith("no lease: ")).length, 1);
  assert.ok(instance.id);
});

test("a machine is not started when its lease cannot be moved", async (t) => {
  const { means, client, id, state, clock, simulator } = await rented(t, "waits");
  await hold(client, id, 120);
  await clock.advance(3 * HOUR);
  assert.equal(state(), "stopped");
  const again = (await leaseEnd(client, id)) ?? 0;
  await clock.advance((again - clock.now()) / 1000 - 600);
  simulator.world.faults.add({ on: "PUT /commands/schedule_job/{id}/", do: "forbidden403", times: 0 });
  const instance = await client.instance(id);
  assert.ok(instance);
  await assert.rejects(
    resume(means, { instance, label, criteria, publicKey: "k", minutes: 30 }),
    /is not started: its lease could not be moved/,
  );
  assert.equal(state(), "stopped");
});

test("where a job's stop has no effect the machine goes on", async (t) => {
  const { client, id, state, clock, simulator } = await rented(t, "waits");
  simulator.world.schedule.putsWork = false;
  await hold(client, id, 120);
  await clock.advance(5 * HOUR);
  assert.equal(state(), "running");
});

test("a second job for the same call is moved; one that has become another's is not touched", async (t) => {
  const { client, id, clock, simulator, jobs } = await rented(t, "waits");
  await place(client, "stop", id, 120);
  const { endsAt: at } = await place(client, "stop", id, 600);
  assert.deepEqual(jobs().sort(), [`DELETE ${id}`, `PUT ${id}`]);
  assert.equal(await leaseEnd(client, id), at);
  assert.ok(at - clock.now() >= 600 * 60_000);
  const stop = simulator.world.schedule.all().find(({ method }) => method === "PUT");
  assert.ok(stop);
  // What Vast names as the same call is not ours.
  simulator.world.schedule.set({ ...stop, frequency: "DAILY", day: null });
  await assert.rejects(place(client, "stop", id, 700), { jobId: stop.id });
  assert.equal(simulator.world.schedule.get(stop.id)?.hour, stop.hour);
});

test("this machine's clock plays no part", async (t) => {
  const { client, id, state, clock, simulator } = await rented(t, "waits");
  for (const hours of [-3, 3]) {
    const { VastClient } = await import("../../../../components/vast/client/client.ts");
    const { openApi } = await import("../../../../components/vast/client/api.ts");
    const now = () => Date.now() + hours * HOUR * 1000;
    const target = { apiUrl: simulator.url, apiKeyFile: simulator.apiKeyFile };
    const wrong = new VastClient(openApi(target, {}), { now });
    await wrong.jobs();
    const { endsAt: at } = await place(wrong, "stop", id, 120);
    const wait = at - clock.now();
    assert.ok(wait >= 120 * 60_000 && wait <= 181 * 60_000, `${hours}: ${wait}`);
  }
  await hold(client, id, null);
  await clock.advance(119 * 60);
  assert.equal(state(), "running");
});

test("the release takes its jobs along, and what is left of them is found", async (t) => {
  const world: World = await renting(t);
  const { means, simulator, clock } = world;
  const { release } = await import("../../../../components/vast/rental/release.ts");
  const { instance } = await rent(means, request);
  await hold(means.client, instance.id, 120);
  await release(means, instance.id);
  assert.deepEqual(simulator.world.schedule.all(), []);
  const other = await rent(means, { ...request, label: `${label}x` });
  await place(means.client, "stop", 4242, 120);
  const sleep = (milliseconds: number) => clock.advance(milliseconds / 1000);
  const [line, ...more] = await clearLeftovers(means.client, { sleep });
  assert.match(
    line ?? "",
    /^scheduled job \d+, which stops instance 4242 on .* UTC, is removed: the instance is gone$/,
  );
  assert.deepEqual(more, []);
  assert.equal(simulator.world.schedule.all().length, 1);
  await clear(means.client, other.instance.id);
  await postpone(means.client, other.instance.id, 60);
  assert.deepEqual(simulator.world.schedule.all(), []);
  await release(means, other.instance.id);
});
