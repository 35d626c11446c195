import assert from "node:assert/strict";
import { test } from "node:test";
import type { VastClient } from "../../../../components/vast/client/client.ts";
import { rent } from "../../../../components/vast/rental/rental.ts";
import { noGate, releaseAll } from "../../../../components/vast/rental/settle.ts";
import { tellTwins } from "../../../../components/vast/rental/twins.ts";
import { clientWith } from "../../../support/means.ts";
import { renting } from "../../../support/renting.ts";
import { label, request } from "../../../support/request.ts";

const RENT = "PUT /asks/{id}/";

test("a rental that Vast carries out 135 s late is told with its price and what ends it, once, and not released", async (t) => {
  const world = await renting(t, { faults: [{ on: RENT, do: "late", seconds: 135 }] });
  const { instance } = await rent(world.means, request);
  assert.deepEqual(world.living(), [instance.id], "not yet");
  await tellTwins(world.means, { label, id: instance.id });
  await world.clock.advance(200);
  const [twin, ...others] = world.living().filter((id) => id !== instance.id);
  assert.deepEqual([typeof twin, others], ["number", []]);
  const before = world.said.length;
  for (let look = 0; look < 2; look++) await tellTwins(world.means, { label, id: instance.id });
  const [text = "", ...more] = world.said.slice(before);
  assert.deepEqual(more, []);
  const { totalPerHour } = (await world.means.client.instance(twin ?? 0)) ?? {};
  assert.equal(
    text,
    `instance ${twin} carries the label ${label} as well and costs $${totalPerHour?.toFixed(3)}/h: a run has one instance; ` +
      `this ends it: vast-run sweep --destroy ${twin}, or vastai destroy instance ${twin}`,
  );
  assert.equal(world.living().length, 2);
  await releaseAll(world.means, label, noGate);
});

test("several twins, one of them stopped: each with what it costs now", async (t) => {
  const faults = [
    { on: RENT, do: "late", seconds: 135 },
    { on: RENT, do: "late", seconds: 240 },
  ];
  const world = await renting(t, { faults });
  const { instance } = await rent(world.means, request);
  await world.clock.advance(300);
  const [first = 0, second = 0] = world.living().filter((id) => id !== instance.id);
  await world.means.client.setState(first, "stopped");
  await world.clock.advance(60);
  const disk = (await world.means.client.instance(first))?.diskPerHour?.toFixed(3);
  await tellTwins(world.means, { label, id: instance.id });
  const text = world.said.slice(-2).join("\n");
  assert.match(text, new RegExp(`instance ${first} .* costs \\$${disk}/h: `));
  assert.match(text, new RegExp(`instance ${second} .* costs \\$1\\.\\d{3}/h: `));
  await releaseAll(world.means, label, noGate);
});

test("a list that cannot be had is said, and ends nothing", async (t) => {
  const world = await renting(t);
  const instances = async () => Promise.reject(new Error("GET /api/v1/instances/: no answer"));
  const client: VastClient = clientWith(world.means.client, { instances });
  await tellTwins(world.meansWith({ client }), { label, id: 1 });
  const unsaid = `cannot tell now whether another instance carries the label ${label}: GET /api/v1/instances/: no answer`;
  assert.deepEqual(world.said, [unsaid]);
});
