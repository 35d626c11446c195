import assert from "node:assert/strict";
import { test } from "node:test";
import { findOffer, ORDER, openBench } from "../../support/simulator.ts";

test("a rental answers with the instance id and a key for that instance", async (t) => {
  const { ask } = await openBench(t);
  const offer = await findOffer({ ask });
  const { status, body } = await ask("PUT", `/api/v0/asks/${offer.id}/`, { ...ORDER, price: offer.min_bid });
  assert.equal(status, 200);
  assert.deepEqual(Object.keys(body), ["success", "new_contract", "instance_api_key"]);
  assert.ok(Number.isInteger(body.new_contract));
  assert.match(body.instance_api_key, /^[0-9a-f]{64}$/);
});

test("without a price it is rented on demand, and is no offer any more", async (t) => {
  const { ask, rent, instance, clock } = await openBench(t);
  const offer = await findOffer({ ask }, { type: "on-demand" });
  const id = await rent({ price: null }, { ask_contract_id: { eq: offer.id } });
  await clock.advance(10);
  const row = await instance(id);
  assert.equal(row.is_bid, false);
  assert.equal(row.dph_base, offer.dph_base);
  const { body } = await ask("POST", "/api/v0/bundles/", { ask_contract_id: { eq: offer.id } });
  assert.deepEqual(body.offers, []);
  const again = await ask("PUT", `/api/v0/asks/${offer.id}/`, ORDER);
  assert.equal(again.status, 410);
});

test("a slice that overlaps a rented one cannot be rented", async (t) => {
  const { ask, rent } = await openBench(t);
  const whole = await findOffer({ ask }, { type: "on-demand", num_gpus: { eq: 8 } });
  await rent({ price: null }, { ask_contract_id: { eq: whole.id }, num_gpus: {} });
  const { body } = await ask("POST", "/api/v0/bundles/", { machine_id: { eq: whole.machine_id } });
  assert.ok(body.offers.length >= 4);
  for (const offer of body.offers) {
    assert.equal(offer.rentable, false);
    assert.equal((await ask("PUT", `/api/v0/asks/${offer.id}/`, ORDER)).status, 410);
  }
});

test("an offer that never was is 404, one that is taken 410; both say no_such_ask", async (t) => {
  const { ask, simulator } = await openBench(t);
  const never = await ask("PUT", "/api/v0/asks/123/", ORDER);
  assert.equal(never.status, 404);
  assert.equal(never.body.error, "invalid_args");
  assert.equal(never.body.msg, "error 404/3603: no_such_ask Instance type by id 123 is not available.");
  const taken = [...simulator.world.market.offers()].find(({ ask: { tenant } }) => tenant?.kind === "on-demand");
  assert.ok(taken);
  const { status, body } = await ask("PUT", `/api/v0/asks/${taken.ask.id}/`, ORDER);
  assert.equal(status, 410);
  assert.equal(body.error, "no_such_ask");
  assert.equal(body.msg, `error 410/3907: no_such_ask Instance type ${taken.ask.id} is no longer available.`);
});

test("mistakes in the order are 400, each with its own words", async (t) => {
  const { ask, simulator } = await openBench(t);
  const offer = await findOffer({ ask });
  const cases: [object, string, RegExp][] = [
    [{ image: "" }, "invalid_args", /image is required/],
    [{ disk: 0 }, "invalid_args", /disk/],
    [{ disk: 1_000_000 }, "invalid_args", /disk 1000000 is more than/],
    [{ env: "-e A=b" }, "invalid_args", /env must be an object/],
    [{ env: { A: 1 } }, "invalid_args", /A is not a string/],
    [{ env: { A: "x".repeat(33 * 1024) } }, "invalid_args", /invalid env arguments: total length > 32KB/],
    [{ onstart: "x".repeat(4049) }, "invalid_args", /onstart is longer/],
    [{ runtype: "ssh_somehow" }, "invalid_args", /invalid runtype/],
    [{ label: "x".repeat(1025) }, "label_too_long", /label/],
    [{ price: 0.0001 }, "invalid_price", /price/],
    [{ price: 129 }, "invalid_price", /price/],
    [{ price: "1.0" }, "invalid_args", /price must be a number/],
    [{ template_hash_id: "abc", image: undefined }, "invalid_args", /template/],
  ];
  for (const [mistake, error, msg] of cases) {
    const { status, body } = await ask("PUT", `/api/v0/asks/${offer.id}/`, { ...ORDER, ...mistake });
    assert.equal(status, 400, JSON.stringify(mistake).slice(0, 80));
    assert.equal(body.success, false);
    assert.equal(body.error, error);
    assert.match(body.msg, msg);
  }
  assert.equal((await ask("PUT", "/api/v0/asks/abc/", ORDER)).status, 400);
  assert.equal((await ask("POST", `/api/v0/asks/${offer.id}/`, ORDER)).status, 405);
  assert.equal(simulator.world.contracts.all().length, 0);
});

test("every runtype that the official client sends is taken", async (t) => {
  const { ask, rent } = await openBench(t);
  const types = [
    "ssh_direc ssh_proxy",
    "ssh_proxy",
    "jupyter_direc ssh_direc ssh_proxy",
    "jupyter_proxy ssh_proxy",
    "args",
  ];
  const more = ["ssh", "jupyter", "ssh_direct", "jupyter_direct", undefined];
  for (const runtype of [...types, ...more]) {
    const id = await rent({ runtype });
    await ask("DELETE", `/api/v0/instances/${id}/`);
  }
});

test("no credit, no rental", async (t) => {
  const { ask, simulator } = await openBench(t);
  await ask("POST", "/_sim/account", { credit: 0.01 }, null);
  const offer = await findOffer({ ask });
  const { status, body } = await ask("PUT", `/api/v0/asks/${offer.id}/`, { ...ORDER, price: offer.min_bid });
  assert.equal(status, 400);
  assert.equal(body.error, "insufficient_credit");
  assert.equal(simulator.world.contracts.all().length, 0);
});

test("a bid below the minimum leaves a stopped contract, whose id is in the error and whose disk is billed", async (t) => {
  const { ask, instance, clock, ledgerOf } = await openBench(t);
  const offer = await findOffer({ ask });
  const low = { ...ORDER, price: offer.min_bid / 2, cancel_unavail: false };
  const { status, body } = await ask("PUT", `/api/v0/asks/${offer.id}/`, low);
  assert.equal(status, 400);
  assert.equal(body.success, false);
  await clock.advance(10);
  const row = await instance(body.new_contract);
  const { actual_status, intended_status, cur_state, next_state } = row;
  assert.deepEqual(
    [actual_status, intended_status, cur_state, next_state],
    ["exited", "stopped", "stopped", "stopped"],
  );
  const { cost } = await ledgerOf(body.new_contract);
  assert.ok(cost.disk > 0 && cost.gpu === 0);
});

test("the same bid with cancel_unavail leaves nothing", async (t) => {
  const { ask, simulator } = await openBench(t);
  const offer = await findOffer({ ask });
  const low = { ...ORDER, price: offer.min_bid / 2, cancel_unavail: true };
  const { status, body } = await ask("PUT", `/api/v0/asks/${offer.id}/`, low);
  assert.equal(status, 410);
  assert.equal(body.error, "no_such_ask");
  assert.equal(simulator.world.contracts.all().length, 0);
});

test("a bid of exactly the listed minimum wins, on every offer", async (t) => {
  const { ask } = await openBench(t);
  await ask("POST", "/_sim/market", { factor: 1.0737 }, null);
  const { body } = await ask("POST", "/api/v0/bundles/", { type: "bid", rentable: { eq: true }, num_gpus: { eq: 1 } });
  for (const offer of body.offers.slice(0, 20)) {
    const answer = await ask("PUT", `/api/v0/asks/${offer.id}/`, { image: "a/b", price: offer.min_bid, disk: 10 });
    assert.equal(answer.status, 200, answer.text);
  }
});

test("it can be rented stopped", async (t) => {
  const { ask, rent, instance, clock } = await openBench(t);
  const id = await rent({ target_state: "stopped" });
  await clock.advance(10);
  assert.equal((await instance(id)).actual_status, "exited");
  assert.deepEqual((await ask("PUT", `/api/v0/instances/${id}/`, { state: "running" })).body, { success: true });
  await clock.advance(10);
  assert.equal((await instance(id)).actual_status, "running");
});

test("a VM wants a machine that offers them and an account key; then only the direct port", async (t) => {
  const { ask, rent, instance, clock } = await openBench(t);
  const plain = await findOffer({ ask }, { gpu_name: {}, vms_enabled: { eq: false } });
  const order = { ...ORDER, vm: true, image: "docker.io/vastai/kvm:ubuntu", price: 30 };
  assert.equal((await ask("PUT", `/api/v0/asks/${plain.id}/`, order)).body.error, "invalid_args");
  const offer = await findOffer({ ask }, { gpu_name: {}, vms_enabled: { eq: true } });
  assert.equal((await ask("PUT", `/api/v0/asks/${offer.id}/`, order)).body.error, "no_ssh_key_for_vm");
  await ask("POST", "/api/v0/ssh/", { ssh_key: "ssh-ed25519 AAAA me" });
  const id = await rent(order, { gpu_name: {}, ask_contract_id: { eq: offer.id } });
  await clock.advance(10);
  const row = await instance(id);
  assert.equal(row.ssh_host, null);
  assert.ok(row.ports["22/tcp"]);
});

test("many at once", async (t) => {
  const { ask, simulator } = await openBench(t);
  const { body } = await ask("POST", "/api/v0/bundles/", { num_gpus: { eq: 1 }, rentable: { eq: true } });
  const ids = body.offers.map(({ id }: { id: number }) => id).slice(0, 2);
  const answer = await ask("POST", "/api/v0/asks/bulk/", { ...ORDER, disk: 10, ids });
  assert.equal(answer.status, 200);
  assert.equal(simulator.world.contracts.living().length, 2);
});

test("ids are never used again, also by the next simulator", async (t) => {
  const { rent, clock } = await openBench(t);
  const first = await rent();
  const later = await openBench(t, { clock });
  await clock.advance(60);
  const next = await openBench(t, { clock });
  assert.ok((await next.rent()) > first);
  assert.ok((await later.rent()) >= first);
});
