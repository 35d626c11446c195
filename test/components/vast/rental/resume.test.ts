import assert from "node:assert/strict";
import { test } from "node:test";
import { isStranded } from "../../../../components/vast/journal/trouble.ts";
import { release } from "../../../../components/vast/rental/release.ts";
import { rent } from "../../../../components/vast/rental/rental.ts";
import { type ResumeRequest, resume } from "../../../../components/vast/rental/resume.ts";
import { noGate, releaseAll } from "../../../../components/vast/rental/settle.ts";
import { type Fault, ledger } from "../../../../simulator/index.ts";
import { renting, type World } from "../../../support/renting.ts";
import { criteria, label, request } from "../../../support/request.ts";

/** A machine that was ready, and what has happened to it since. */
async function machine(world: World, happens: (contract: Contract) => void): Promise<ResumeRequest> {
  const rented = await rent(world.means, request);
  const contract = world.simulator.world.contracts.get(rented.instance.id);
  assert.ok(contract);
  happens(contract);
  await world.means.clock.sleep(3000);
  const instance = await world.means.client.instance(contract.id);
  assert.ok(instance);
  return { instance, label, criteria, publicKey: request.publicKeys[0] ?? "", minutes: 30 };
}

type Contract = NonNullable<ReturnType<World["simulator"]["world"]["contracts"]["get"]>>;

async function strandedBy(action: Promise<unknown>): Promise<string> {
  const error: unknown = await action.catch((reason: unknown) => reason);
  assert.ok(isStranded(error), String(error));
  assert.equal(error.givenUp, false);
  return error.message;
}

const keep = { mayLive: ({ living }: World) => living() };

test("a wait that was cut short goes on", async (t) => {
  const world = await renting(t);
  const asked = await machine(world, () => {});
  const { instance } = await resume(world.means, asked);
  assert.equal(instance.id, asked.instance.id);
  assert.equal(world.requests("PUT /instances/{id}/"), 0);
  await release(world.means, instance.id);
});

test("another one of the run that shows up meanwhile is named and left", async (t) => {
  const world = await renting(t, { faults: [{ on: "PUT /asks/{id}/", do: "late", seconds: 135 }] });
  const asked = await machine(world, () => {});
  await world.clock.advance(200);
  const { instance, twins } = await resume(world.means, asked);
  assert.equal(twins.length, 1);
  assert.deepEqual(world.living().sort(), [instance.id, twins[0]?.id].sort());
  await releaseAll(world.means, label, noGate);
});

test("a stopped machine is started, at the bid it had", async (t) => {
  const world = await renting(t);
  const asked = await machine(world, (contract) => world.simulator.world.life.stop(contract));
  const { instance } = await resume(world.means, asked);
  assert.equal(instance.actualStatus, "running");
  assert.equal(instance.gpuPerHour, asked.instance.gpuPerHour);
  await release(world.means, instance.id);
});

test("an outbid machine is bid for again, within the cap", async (t) => {
  const world = await renting(t);
  const asked = await machine(world, (contract) => {
    contract.offer.ask.tenant = { kind: "bid", perHour: 2 };
    world.simulator.world.life.settle(contract.offer.machine);
  });
  assert.equal(asked.instance.actualStatus, "exited");
  const { instance } = await resume(world.means, asked);
  assert.ok((instance.gpuPerHour ?? 0) > 2 && (instance.totalPerHour ?? 9) <= criteria.maxPricePerHour);
  assert.match(world.said.join("\n"), /was outbid; bidding \$2\.\d{3}\/h instead of/);
  await release(world.means, instance.id);
});

/** Somebody bids so much for the slice, as a share of what it costs on demand. */
function rival(world: World, share: number) {
  return ({ offer: { ask, machine } }: Contract) => {
    ask.tenant = { kind: "bid", perHour: ask.basePrice * share };
    world.simulator.world.life.settle(machine);
  };
}

test("a bid above the cap is not made, and what it would take is said", async (t) => {
  const world = await renting(t, keep);
  const asked = await machine(world, rival(world, 0.9));
  const dear = { ...asked, criteria: { ...criteria, maxPricePerHour: 1.5 } };
  const message = await strandedBy(resume(world.means, dear));
  assert.match(message, /is outbid: it takes \$\d\.\d{3}\/h with its disk now, and maxPricePerHour is \$1\.500\/h/);
  assert.equal(world.requests("PUT /instances/bid_price/{id}/"), 0);
  assert.equal(world.requests("PUT /instances/{id}/"), 0);
});

test("nor one at or above the on-demand price of the machine", async (t) => {
  const world = await renting(t, keep);
  const asked = await machine(world, rival(world, 1));
  const message = await strandedBy(resume(world.means, asked));
  assert.match(
    message,
    /takes a bid of \$\d\.\d{3}\/h now, and on demand it costs no more \(\$\d\.\d{3}\/h\), so nothing is bid; .*vastai change bid/,
  );
  assert.equal(world.requests("PUT /instances/bid_price/{id}/"), 0);
});

test("just below it one is, however large the markup", async (t) => {
  const world = await renting(t);
  const asked = await machine(world, rival(world, 0.95));
  const { instance } = await resume(world.means, { ...asked, criteria: { ...criteria, bidMarkup: 3 } });
  const price = world.simulator.world.contracts.get(instance.id)?.onDemandPerHour ?? 0;
  const bid = instance.gpuPerHour ?? 0;
  assert.ok(bid < price && bid > price - 0.0003, `${bid} below ${price}`);
  await release(world.means, instance.id);
});

test("our own bid in the market is no price: a machine that was only stopped keeps its bid, time and again", async (t) => {
  const world = await renting(t);
  let asked = await machine(world, () => {});
  const { gpuPerHour: first, id } = asked.instance;
  for (let round = 0; round < 3; round++) {
    const contract = world.simulator.world.contracts.get(id);
    assert.ok(contract);
    await world.clock.advance(60);
    world.simulator.world.life.drop(contract, "host");
    const instance = await world.means.client.instance(id);
    assert.ok(instance && instance.minBid !== null && instance.gpuPerHour !== null);
    assert.ok(Math.abs(instance.minBid - instance.gpuPerHour) < 0.001, "the echo");
    asked = { ...asked, instance };
    assert.equal((await resume(world.means, asked)).instance.gpuPerHour, first);
  }
  assert.equal(world.requests("PUT /instances/bid_price/{id}/"), 0);
  await release(world.means, id);
});

test("a start that Vast queues is called off, and said", async (t) => {
  const faults: Fault[] = [{ on: "PUT /instances/{id}/", do: "startQueued" }];
  const world = await renting(t, { faults, ...keep });
  const asked = await machine(world, (contract) => world.simulator.world.life.stop(contract));
  const message = await strandedBy(resume(world.means, asked));
  assert.match(message, /cannot be started now: .*the start that Vast had queued is called off/);
  await world.means.clock.sleep(600_000);
  const [row] = ledger(world.simulator.world).contracts;
  assert.equal(row?.state, "stopped");
});

test("what does not come back is kept", async (t) => {
  const world = await renting(t, keep);
  const asked = await machine(world, (contract) => {
    world.simulator.world.life.stop(contract);
    world.simulator.world.faults.add({ on: "boot", do: "stuckLoading", times: 0 });
  });
  assert.match(await strandedBy(resume(world.means, { ...asked, minutes: 3 })), /is not ready again: not ready within/);
  assert.deepEqual(world.living(), [asked.instance.id]);
});

test("an engine that goes while it comes back: it is kept", async (t) => {
  const world = await renting(t, keep);
  const asked = await machine(world, (contract) => world.simulator.world.life.stop(contract));
  const means = world.meansWith({ progress: () => world.killEngine() });
  assert.match(await strandedBy(resume(means, asked)), /nobody waits/);
  assert.deepEqual(world.living(), [asked.instance.id]);
});

test("GPUs that are taken while it comes back: the start that Vast has queued is called off", async (t) => {
  const world = await renting(t, keep);
  let queue = () => {};
  const asked = await machine(world, (contract) => {
    world.simulator.world.life.stop(contract);
    world.simulator.world.faults.add({ on: "boot", do: "stuckLoading", times: 0 });
    queue = () => world.simulator.world.life.queue(contract);
  });
  const means = world.meansWith({
    progress: (text) => {
      if (text.startsWith("starting instance")) world.simulator.world.clock.after(30_000, queue);
    },
  });
  assert.match(await strandedBy(resume(means, { ...asked, minutes: 3 })), /is not ready again/);
  const row = await world.means.client.instance(asked.instance.id);
  assert.equal(row?.intendedStatus, "stopped");
});
