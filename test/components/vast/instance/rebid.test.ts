import assert from "node:assert/strict";
import { test } from "node:test";
import { rebid } from "../../../../components/vast/instance/rebid.ts";
import { release } from "../../../../components/vast/rental/release.ts";
import { rent } from "../../../../components/vast/rental/rental.ts";
import { clientWith } from "../../../support/means.ts";
import { renting, type World } from "../../../support/renting.ts";
import { criteria, request } from "../../../support/request.ts";

/** A machine that was rented with a markup of a fifth, and the market has had time to list its bid. */
async function rented(world: World) {
  const { instance } = await rent(world.means, request);
  await world.clock.advance(60);
  const contract = world.simulator.world.contracts.get(instance.id);
  assert.ok(contract && contract.bid !== null);
  const [own] = world.means.prices.bids({ machineId: contract.offer.machine.id, gpus: 1 });
  assert.ok(own && own.floor !== null);
  assert.equal(own.perHour, contract.bid);
  const listed = (await world.means.client.instance(instance.id))?.minBid ?? 0;
  assert.ok(Math.abs(listed - contract.bid) < 0.001, "the echo");
  const inputs = { instanceId: String(instance.id), maxPricePerHour: criteria.maxPricePerHour, bidMarkup: 0.2 };
  return { contract, inputs, floor: own.floor, price: contract.onDemandPerHour, id: instance.id };
}

const near = (one: number | null, other: number) =>
  assert.ok(Math.abs((one ?? 0) - other) < 2e-4, `${one} is ${other}`);

test("a new markup is counted from the price at the rental, though the market lists our own bid", async (t) => {
  const world = await renting(t);
  const { contract, inputs, floor, price, id } = await rented(world);
  near(contract.bid, floor * 1.2);
  let markupBefore = 0.2;
  for (const bidMarkup of [0.3, 0.25, 0.4, 0.1]) {
    const before = (await world.means.client.instance(id))?.totalPerHour ?? 0;
    const moved = await rebid(world.means, { ...inputs, bidMarkup }, { floor, markupBefore });
    near(contract.bid, floor * (1 + bidMarkup));
    assert.equal(moved?.from, before);
    near((await world.means.client.instance(id))?.totalPerHour ?? 0, moved?.to ?? 0);
    markupBefore = bidMarkup;
    await world.clock.advance(60);
  }
  await rebid(world.means, { ...inputs, bidMarkup: 3 }, { floor, markupBefore });
  assert.ok((contract.bid ?? 9) < price, "however large, below the on-demand price");
  await release(world.means, id);
});

test("where the price at the rental is not known, our own bid in the market stands for nothing", async (t) => {
  const world = await renting(t);
  const { contract, inputs, id } = await rented(world);
  const { bid } = contract;
  for (const bidMarkup of [0.3, 0.4, 0.5])
    await rebid(world.means, { ...inputs, bidMarkup }, { floor: null, markupBefore: bidMarkup - 0.1 });
  assert.equal(contract.bid, bid);
  assert.equal(world.requests("PUT /instances/bid_price/{id}/"), 0);
  await release(world.means, id);
});

test("a machine that was taken away and is bid for again was outbid; the bid of one that is held tells nothing", async (t) => {
  const world = await renting(t);
  const { contract, inputs, floor, id } = await rented(world);
  const outbids = () => world.means.ledger?.standings().all[0]?.outbids;
  await rebid(world.means, { ...inputs, bidMarkup: 0.3 }, { floor, markupBefore: 0.2 });
  assert.equal(outbids(), 0);
  contract.offer.ask.tenant = { kind: "bid", perHour: (contract.bid ?? 0) + 0.1 };
  world.simulator.world.life.settle(contract.offer.machine);
  await world.clock.advance(60);
  await rebid(world.means, { ...inputs, maxPricePerHour: 0.2 }, { floor, markupBefore: 0.2 });
  assert.equal(outbids(), 0, "a refresh will see it still");
  await rebid(world.means, inputs, { floor, markupBefore: 0.2 });
  assert.equal(outbids(), 1);
  await release(world.means, id);
});

test("its host asks less on demand than before: what is bid comes down, but not below what keeps the machine", async (t) => {
  const world = await renting(t);
  const { contract, inputs, floor, id } = await rented(world);
  const { ask } = contract.offer;
  const before = contract.bid ?? 0;
  Object.assign(ask, { basePrice: before - 0.01 });
  await rebid(world.means, { ...inputs, maxPricePerHour: 9 }, { floor, markupBefore: 0.2 });
  near(contract.bid, before - 0.01);
  assert.ok((contract.bid ?? 9) < ask.basePrice);
  assert.match(
    world.said.join("\n"),
    /on demand instance \d+ would cost \$\d\.\d{3}\/h, and no bid is made at or above that/,
  );
  const kept = contract.bid;
  Object.assign(ask, { basePrice: floor - 0.01 });
  await rebid(world.means, { ...inputs, maxPricePerHour: 8 }, { floor, markupBefore: 0.2 });
  assert.equal(contract.bid, kept);
  assert.equal((await world.means.client.instance(id))?.actualStatus, "running");
  await release(world.means, id);
});

test("one view of Vast that lacks the machine does not keep its bid from moving", async (t) => {
  const world = await renting(t);
  const { contract, inputs, floor, id } = await rented(world);
  const client = clientWith(world.means.client, { instance: async () => undefined });
  await rebid({ ...world.means, client }, { ...inputs, bidMarkup: 0.3 }, { floor, markupBefore: 0.2 });
  near(contract.bid, floor * 1.3);
  await release(world.means, id);
});

test("it asks for one thing more than the instance: what that costs on demand", async (t) => {
  const world = await renting(t);
  const { inputs, floor, id } = await rented(world);
  const before = world.simulator.world.requests.length;
  await rebid(world.means, { ...inputs, maxPricePerHour: 9 }, { floor, markupBefore: 0.2 });
  const asked = world.simulator.world.requests.slice(before).map(({ endpoint }) => endpoint);
  assert.deepEqual(asked, ["GET /api/v1/instances/", "POST /bundles/"]);
  await release(world.means, id);
});
