import assert from "node:assert/strict";
import { test } from "node:test";
import { Meter } from "../../../simulator/base/ledger.ts";
import { findOffer, openBench } from "../../support/simulator.ts";

test("a meter adds up stretches of different rates", () => {
  const meter = new Meter(0);
  meter.set({ gpu: 0, disk: 0.36 }, 0);
  meter.set({ gpu: 3.6, disk: 0.36 }, 10_000);
  meter.set({ gpu: 0, disk: 0 }, 110_000);
  assert.deepEqual(meter.read(1_000_000), { gpu: 0.1, disk: 0.011, total: 0.111 });
});

test("disk is billed from the rental on, GPUs only while it runs, nothing after the end", async (t) => {
  const { rent, clock, ask, ledgerOf, simulator } = await openBench(t);
  const id = await rent({ disk: 144 });
  const contract = simulator.world.contracts.get(id);
  assert.ok(contract?.bid);
  const disk = (144 * contract.offer.machine.storageCost) / 720 / 3600;
  const gpu = contract.bid / 3600;

  await clock.advance(2.5); // 0.5 s until the host reports, 2 s of loading
  assert.deepEqual(
    rounded((await ledgerOf(id)).cost),
    rounded({ gpu: 0, disk: 2.5 * disk, traffic: 0, total: 2.5 * disk }),
  );

  await clock.advance(1000);
  await ask("PUT", `/api/v0/instances/${id}/`, { state: "stopped" });
  await clock.advance(0.5); // stopping bills the GPUs still
  await clock.advance(3600);
  const stopped = (await ledgerOf(id)).cost;
  assert.deepEqual(
    rounded(stopped),
    rounded({ gpu: 1000.5 * gpu, disk: 4603 * disk, traffic: 0, total: 1000.5 * gpu + 4603 * disk }),
  );

  await ask("DELETE", `/api/v0/instances/${id}/`);
  await clock.advance(3600);
  const line = await ledgerOf(id);
  assert.deepEqual(line.cost, stopped, "destruction ends the bill at once");
  assert.equal(line.state, "gone");
  assert.equal(line.ratePerHour, 0);
});

test("a new bid is billed from its moment on", async (t) => {
  const { running, clock, ask, ledgerOf } = await openBench(t);
  const id = await running();
  const before = (await ledgerOf(id)).cost.gpu;
  await ask("PUT", `/api/v0/instances/bid_price/${id}/`, { client_id: "me", price: 7.2 });
  await clock.advance(100);
  assert.ok(Math.abs((await ledgerOf(id)).cost.gpu - before - 0.2) < 1e-8);
});

test("the whole bill: living contracts, rate and total, and the credit that is left", async (t) => {
  const { running, rent, ask, clock, simulator } = await openBench(t);
  const first = await running();
  await rent({ label: "second" }, { gpu_name: { eq: "RTX 4090" } });
  await clock.advance(60);
  const { body } = await ask("GET", "/_sim/ledger", undefined, null);
  assert.equal(body.living, 2);
  assert.equal(body.contracts.length, 2);
  const sum = body.contracts.reduce((all: number, { cost }: { cost: { total: number } }) => all + cost.total, 0);
  assert.ok(Math.abs(body.total - sum) < 1e-8);
  const rate = body.contracts.reduce((all: number, line: { ratePerHour: number }) => all + line.ratePerHour, 0);
  assert.ok(Math.abs(body.ratePerHour - rate) < 1e-8);
  const { body: user } = await ask("GET", "/api/v0/users/current/");
  assert.ok(Math.abs(user.credit - (100 - body.total)) < 1e-5);

  await ask("DELETE", `/api/v0/instances/${first}/`);
  await clock.advance(1);
  assert.equal(simulator.world.contracts.living().length, 1);
});

test("when the credit is gone every machine stops and the disks go on billing", async (t) => {
  const { running, ask, instance, clock, ledgerOf } = await openBench(t);
  const id = await running();
  await ask("POST", "/_sim/account", { credit: 0 }, null);
  assert.equal((await instance(id)).actual_status, "exited");
  const before = (await ledgerOf(id)).cost;
  await clock.advance(3600);
  const after = (await ledgerOf(id)).cost;
  assert.equal(after.gpu, before.gpu);
  assert.ok(after.disk > before.disk);
  const offer = await findOffer({ ask });
  const refused = await ask("PUT", `/api/v0/asks/${offer.id}/`, { image: "a/b", price: offer.min_bid });
  assert.equal(refused.body.error, "insufficient_credit");
});

function rounded(cost: Record<string, number>): Record<string, string> {
  return Object.fromEntries(Object.entries(cost).map(([name, dollars]) => [name, dollars.toFixed(8)]));
}
