import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { Events } from "../../../../components/events/events.ts";
import { rebid } from "../../../../components/vast/instance/rebid.ts";
import { release } from "../../../../components/vast/rental/release.ts";
import { rent } from "../../../../components/vast/rental/rental.ts";
import { resume } from "../../../../components/vast/rental/resume.ts";
import { happen } from "../../../../simulator/world/mishaps.ts";
import { renting, type World } from "../../../support/renting.ts";
import { label, request } from "../../../support/request.ts";

/** The world, with a log of events. */
function logging(world: World, folder = join(world.home, "events")) {
  const events = new Events(folder, {
    now: world.clock.now,
    say: (text) => void world.said.push(text),
    program: "test",
  });
  return { events, means: world.meansWith({ events }) };
}

const told = ({ events }: { events: Events }) => events.read().events.map(({ what, instance }) => [what, instance]);

test("a life is noted: rented at its price, ready, outbid, resumed, released", async (t) => {
  const world = await renting(t);
  const { events, means } = logging(world);
  const { instance } = await rent(means, { ...request, provisional: false });
  const contract = world.simulator.world.contracts.get(instance.id);
  assert.ok(contract);
  happen(world.simulator.world, contract, "outbid", { perHour: (contract.bid ?? 0) + 0.05 });
  const row = await means.client.instance(instance.id);
  assert.ok(row);
  for (let count = 0; count < 2; count++) events.noteSeen(instance.id, row);
  const { criteria, publicKeys } = request;
  const back = { instance: row, label, criteria, publicKey: publicKeys[0] ?? "", minutes: 30, onDemand: null };
  await resume(means, back);
  for (let count = 0; count < 2; count++) await release(means, instance.id, { label });
  const { id } = instance;
  const kinds = ["rented", "ready", "outbid", "resumed", "released"];
  assert.deepEqual(
    told({ events }),
    kinds.map((what) => [what, id]),
  );
  const [rented, , , resumed] = events.read().events;
  assert.deepEqual([rented?.run, rented?.stack, rented?.api?.apiUrl], [label, "test", "simulator"]);
  assert.ok((resumed?.gpuPerHour ?? 0) > (rented?.gpuPerHour ?? Number.POSITIVE_INFINITY));
});

test("a bid that is moved is noted with its new price", async (t) => {
  const world = await renting(t, { mayLive: ({ living }) => living() });
  const { events, means } = logging(world);
  const { instance } = await rent(means, { ...request, provisional: false });
  const terms = { instanceId: String(instance.id), maxPricePerHour: 3.5, bidMarkup: 0.3 };
  const contract = world.simulator.world.contracts.get(instance.id);
  const before = contract?.bid ?? 0;
  await rebid(means, terms, { floor: before / (1 + request.criteria.bidMarkup), markupBefore: 0.2 });
  const moved = events.read().events.filter(({ what }) => what === "bid moved");
  assert.ok((contract?.bid ?? 0) > before);
  assert.deepEqual(
    moved.map(({ gpuPerHour }) => gpuPerHour),
    [contract?.bid],
  );
});

test("a machine that does not come up is noted with why, and so is the next one", async (t) => {
  const faults = [{ on: "boot", do: "ociFail" }];
  const world = await renting(t, { faults, mayLive: ({ living }) => living() });
  const { events, means } = logging(world);
  const { instance } = await rent(means, request);
  const kinds = events.read().events.map(({ what }) => what);
  assert.deepEqual(kinds, ["rented", "failed", "released", "rented", "ready"]);
  assert.equal(events.read().events.at(-1)?.instance, instance.id);
  assert.match(events.read().events[1]?.reason ?? "", /cannot start it/);
});

test("what came of an unclear answer is noted, and what a killed process rented since when it bills", async (t) => {
  const faults = [{ on: "PUT /asks/{id}/", do: "resetAfter" }];
  const world = await renting(t, { faults, mayLive: ({ living }) => living() });
  const { events, means } = logging(world);
  const { instance } = await rent(means, request);
  assert.deepEqual(told({ events }), [
    ["rented", instance.id],
    ["ready", instance.id],
  ]);
  const other = logging(world, join(world.home, "ledger"));
  await rent(other.means, request);
  const [rented] = other.events.read().events;
  assert.deepEqual([rented?.reason, rented?.run], ["taken over", label]);
  assert.equal(rented?.since, Math.round((instance.startedAt ?? 0) * 1000));
});

test("a log that takes nothing stops no rental, and is said once", async (t) => {
  const world = await renting(t, { mayLive: ({ living }) => living() });
  const { means } = logging(world, join(world.home, "missing"));
  await rent(means, request);
  assert.equal(world.said.filter((text) => /cannot be noted in the log of events/.test(text)).length, 1);
});
