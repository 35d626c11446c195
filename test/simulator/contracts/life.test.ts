import assert from "node:assert/strict";
import { test } from "node:test";
import { type Bench, type Body, findOffer, ORDER, openBench } from "../../support/simulator.ts";

const words = ({ actual_status, intended_status, cur_state, next_state }: Body) =>
  [actual_status, intended_status, cur_state, next_state].join("/");

const RUNNING = "running/running/running/running";
const STOPPED = "exited/stopped/stopped/stopped";

const put = ({ ask }: Bench, id: number, body: object) => ask("PUT", `/api/v0/instances/${id}/`, body);
const meddle = ({ ask }: Bench, id: number, what: string, body: object = {}) =>
  ask("POST", `/_sim/instances/${id}/${what}`, body, null);

test("a life: rented, loading, running, stopped, running again, destroyed", async (t) => {
  const bench = await openBench(t);
  const { rent, clock, instance, ask, ledgerOf } = bench;
  const id = await rent();
  assert.equal(await instance(id), null);
  await clock.advance(0.3);
  assert.equal(words(await instance(id)), "/running/running/running");
  await clock.advance(0.15);
  assert.equal(words(await instance(id)), "created/running/running/running");
  await clock.advance(0.15);
  const loading = await instance(id);
  assert.equal(words(loading), "loading/running/running/running");
  assert.match(loading.status_msg, /Pulling fs layer/);
  assert.equal(loading.ports, null);
  await clock.advance(2);
  const fresh = await instance(id);
  assert.equal(words(fresh), RUNNING);
  assert.equal(fresh.ports, null, "running is not yet: ports published");
  await clock.advance(0.3);
  const up = await instance(id);
  assert.ok(up.ports["22/tcp"]);

  await put(bench, id, { state: "stopped" });
  assert.equal(words(await instance(id)), "running/stopped/running/stopped");
  await clock.advance(0.5);
  const down = await instance(id);
  assert.equal(words(down), STOPPED);
  assert.equal(down.ports, null);
  assert.deepEqual((await put(bench, id, { state: "stopped" })).body, { success: true }, "stopping twice is no error");

  await put(bench, id, { state: "running" });
  assert.equal(words(await instance(id)), "loading/running/running/running");
  await clock.advance(2);
  const again = await instance(id);
  assert.equal(words(again), RUNNING);
  assert.notDeepEqual(again.ports, up.ports, "a restart changes the ports");

  assert.deepEqual((await ask("DELETE", `/api/v0/instances/${id}/`, {})).body, { success: true });
  assert.equal((await instance(id)).cur_state, "unloaded");
  await clock.advance(1);
  assert.equal(await instance(id), null);
  const repeated = await ask("DELETE", `/api/v0/instances/${id}/`, {});
  assert.equal(repeated.status, 404);
  assert.equal(repeated.body.error, "no_such_instance");
  assert.equal((await ledgerOf(id)).destroyedAt, clock.now() - 500);
});

test("outbid: it looks as if stopped, keeps its disk, and comes back when its bid wins again", async (t) => {
  const bench = await openBench(t);
  const { running, instance, ask, clock, ledgerOf } = bench;
  const id = await running();
  const before = await instance(id);
  await meddle(bench, id, "outbid");
  const down = await instance(id);
  assert.equal(words(down), STOPPED);
  assert.equal(down.status_msg, before.status_msg);
  assert.ok(down.min_bid > down.dph_base);
  const { gpu } = (await ledgerOf(id)).cost;
  await clock.advance(3600);
  assert.equal(words(await instance(id)), STOPPED);
  assert.equal((await ledgerOf(id)).cost.gpu, gpu);

  await ask("PUT", `/api/v0/instances/bid_price/${id}/`, { client_id: "me", price: down.min_bid });
  await clock.advance(5);
  const up = await instance(id);
  assert.equal(words(up), RUNNING);
  assert.equal(up.dph_base, down.min_bid);
  assert.notDeepEqual(up.ports, before.ports);
});

test("outbid for a while: it comes back by itself", async (t) => {
  const bench = await openBench(t);
  const id = await bench.running();
  await meddle(bench, id, "outbid", { forSeconds: 60 });
  await bench.clock.advance(59);
  assert.equal(words(await bench.instance(id)), STOPPED);
  await bench.clock.advance(5);
  assert.equal(words(await bench.instance(id)), RUNNING);
});

test("a rising market outbids, a falling one lets back in", async (t) => {
  const bench = await openBench(t);
  const { running, instance, ask, clock } = bench;
  const id = await running();
  await ask("POST", "/_sim/market", { factor: 1.3 }, null);
  assert.equal(words(await instance(id)), STOPPED);
  await ask("POST", "/_sim/market", { factor: 0.7 }, null);
  await clock.advance(5);
  assert.equal(words(await instance(id)), RUNNING);
});

test("rented on demand by somebody: no bid helps, and a start is queued until the slice is free", async (t) => {
  const bench = await openBench(t);
  const { running, instance, ask, clock } = bench;
  const id = await running();
  await meddle(bench, id, "preempt");
  await ask("PUT", `/api/v0/instances/bid_price/${id}/`, { client_id: "me", price: 30 });
  await clock.advance(60);
  assert.equal(words(await instance(id)), STOPPED);
  const start = await put(bench, id, { state: "running" });
  assert.equal(start.status, 200);
  assert.deepEqual(start.body, {
    success: false,
    error: "resources_unavailable",
    msg: "Required resources are currently unavailable, state change queued.",
  });
  assert.equal(words(await instance(id)), "exited/running/stopped/running");
  await meddle(bench, id, "release");
  await clock.advance(5);
  assert.equal(words(await instance(id)), RUNNING);
});

test("a queued start is cancelled by a stop", async (t) => {
  const bench = await openBench(t);
  const id = await bench.running();
  await meddle(bench, id, "preempt");
  await put(bench, id, { state: "running" });
  await put(bench, id, { state: "stopped" });
  await meddle(bench, id, "release");
  await bench.clock.advance(60);
  assert.equal(words(await bench.instance(id)), STOPPED);
});

test("on-demand takes the slice from our own bid", async (t) => {
  const bench = await openBench(t);
  const { running, instance, ask, clock, simulator } = bench;
  const id = await running();
  const offer = simulator.world.contracts.get(id)?.offer.ask.id;
  const { body } = await ask("PUT", `/api/v0/asks/${offer}/`, { image: "a/b" });
  await clock.advance(10);
  assert.equal(words(await instance(id)), STOPPED);
  assert.equal(words(await instance(body.new_contract)), RUNNING);
  await ask("DELETE", `/api/v0/instances/${body.new_contract}/`);
  await clock.advance(10);
  assert.equal(words(await instance(id)), RUNNING);
});

test("our own bid is listed as the price of the slice: with three decimals, late, and for a while when it is gone", async (t) => {
  const bench = await openBench(t, { timings: { echo: 60 } });
  const { ask, instance, clock, simulator } = bench;
  const { id: offer, min_bid: floor } = await findOffer(bench);
  const listed = async () => {
    const query = { ask_contract_id: { eq: offer }, type: "bid" };
    const [row] = (await ask("POST", "/api/v0/bundles/", query)).body.offers;
    assert.ok(row.rentable);
    return [row.min_bid, row.dph_base];
  };
  const id = await bench.running({ price: 1.5157 });
  assert.equal(simulator.world.contracts.get(id)?.offerId, offer);
  assert.deepEqual(await listed(), [floor, floor], "not yet");
  await clock.advance(60);
  assert.deepEqual(await listed(), [1.516, 1.516]);
  assert.equal((await instance(id)).min_bid, 1.516, "to its holder as well");
  await ask("PUT", `/api/v0/instances/bid_price/${id}/`, { client_id: "me", price: 1.2 });
  assert.deepEqual(await listed(), [1.516, 1.516], "still the bid that was lowered");
  await clock.advance(60);
  assert.deepEqual(await listed(), [1.2, 1.2]);
  assert.equal((await ask("PUT", `/api/v0/asks/${offer}/`, { ...ORDER, price: 1.2 })).status, 410, "it wins nothing");
  await ask("DELETE", `/api/v0/instances/${id}/`);
  await clock.advance(30);
  assert.equal(await instance(id), null);
  assert.deepEqual(await listed(), [1.2, 1.2]);
  await clock.advance(60);
  assert.deepEqual(await listed(), [floor, floor]);
});

test("stopped by the user it stays down, however cheap it gets", async (t) => {
  const bench = await openBench(t);
  const id = await bench.running();
  await put(bench, id, { state: "stopped" });
  await bench.ask("POST", "/_sim/market", { factor: 0.5 }, null);
  await bench.clock.advance(60);
  assert.equal(words(await bench.instance(id)), STOPPED);
});

test("a reboot keeps ports and GPUs; a recycle loads anew", async (t) => {
  const bench = await openBench(t);
  const { running, instance, ask, clock } = bench;
  const id = await running();
  assert.equal((await ask("PUT", `/api/v0/instances/reboot/${id}/`, {})).status, 200);
  assert.equal(words(await instance(id)), "rebooting/running/running/running");
  await clock.advance(5);
  assert.equal(words(await instance(id)), RUNNING);
  assert.equal((await ask("PUT", `/api/v0/instances/recycle/${id}/`, {})).status, 200);
  assert.equal((await instance(id)).actual_status, "loading");
  await clock.advance(5);
  assert.equal(words(await instance(id)), RUNNING);
});

test("a host that is lost and found; one that is given up bills nothing", async (t) => {
  const bench = await openBench(t);
  const { running, instance, clock, ledgerOf } = bench;
  const id = await running();
  await meddle(bench, id, "unknown", { forSeconds: 30 });
  assert.equal((await instance(id)).actual_status, "unknown");
  await clock.advance(31);
  assert.equal(words(await instance(id)), RUNNING);
  await meddle(bench, id, "offline");
  const before = (await ledgerOf(id)).cost.total;
  await clock.advance(3600);
  assert.equal((await instance(id)).actual_status, "offline");
  assert.equal((await ledgerOf(id)).cost.total, before);
});

test("stopped by the host, crashed, expired, vanished", async (t) => {
  const bench = await openBench(t);
  const { rent, instance, clock } = bench;
  const after = async (what: string) => {
    const id = await rent();
    await clock.advance(10);
    await meddle(bench, id, what);
    await clock.advance(10);
    const row = await instance(id);
    const restarted = await put(bench, id, { state: "running" });
    await bench.ask("DELETE", `/api/v0/instances/${id}/`);
    return { words: row && words(row), restart: restarted.status };
  };
  assert.deepEqual(await after("stop"), { words: STOPPED, restart: 200 });
  assert.deepEqual(await after("crash"), { words: "exited/running/running/running", restart: 200 });
  assert.deepEqual(await after("expire"), { words: STOPPED, restart: 400 });
  assert.deepEqual(await after("vanish"), { words: null, restart: 404 });
});

test("a rental ends with the host's listing", async (t) => {
  const bench = await openBench(t);
  const id = await bench.running();
  const { end_date } = await bench.instance(id);
  await bench.clock.advance(end_date - bench.clock.now() / 1000 + 1);
  assert.equal(words(await bench.instance(id)), STOPPED);
});

test("destroyed while it loads: nothing of it comes back", async (t) => {
  const bench = await openBench(t);
  const { rent, ask, clock, simulator } = bench;
  const id = await rent();
  await clock.advance(1);
  await ask("DELETE", `/api/v0/instances/${id}/`);
  await clock.advance(60);
  assert.equal(simulator.world.contracts.get(id)?.state, "gone");
});

test("a host pulls what it lacks of an image: not the base that most have, nor what ran on it before", async (t) => {
  const bench = await openBench(t, { timings: { pull: 1 } });
  const { machine_id, inet_down } = await findOffer(bench);
  const here = { machine_id: { eq: machine_id } };
  /** Virtual seconds from the rental until it runs. */
  const boot = async (image: string) => {
    const offer = await findOffer(bench, here);
    const { body } = await bench.ask("PUT", `/api/v0/asks/${offer.id}/`, { ...ORDER, price: 3, image });
    let seconds = 0;
    for (; (await bench.instance(body.new_contract))?.actual_status !== "running"; seconds++) {
      assert.ok(seconds < 600);
      await bench.clock.advance(1);
    }
    await bench.ask("DELETE", `/api/v0/instances/${body.new_contract}/`);
    await bench.clock.advance(60);
    return seconds;
  };
  const cached = await boot("vastai/pytorch:2.6");
  const pulled = async (image: string) => Math.round(((await boot(image)) - cached) * inet_down);
  const near = (found: number, megabits: number) => assert.ok(Math.abs(found - megabits) <= 2 * inet_down, `${found}`);
  near(await pulled("japhba/cot-oracle-on-vastai"), 400 * 8);
  near(await pulled("japhba/cot-oracle"), 5000 * 8);
  assert.ok((await boot("japhba/cot-oracle")) <= cached + 1);
});
