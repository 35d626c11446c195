import assert from "node:assert/strict";
import { test } from "node:test";
import type { Fault } from "../../../simulator/index.ts";
import { type Bench, findFreeOffer, findOffer, ORDER, openBench } from "../../support/simulator.ts";

const PUT_ASK = "PUT /asks/{id}/";

/** One rental that meets a fault; how many contracts there are after it. */
async function rentWith(bench: Bench, fault: Partial<Fault>) {
  const offer = await findOffer(bench);
  const before = bench.simulator.world.contracts.all().length;
  bench.simulator.world.faults.add({ on: PUT_ASK, do: "", ...fault });
  const path = `/api/v0/asks/${offer.id}/`;
  const reply = await bench.ask("PUT", path, { ...ORDER, price: offer.min_bid }).catch((error) => error);
  const made = bench.simulator.world.contracts.all().length - before;
  const last = bench.simulator.world.contracts.all().at(-1);
  const state = last?.state;
  if (made > 0 && last) await bench.ask("DELETE", `/api/v0/instances/${last.id}/`);
  return { reply, made, state };
}

test("the offer is taken, in three ways", async (t) => {
  const bench = await openBench(t);
  for (const status of [400, 404, 410]) {
    const { reply, made } = await rentWith(bench, { do: `offerTaken${status}` });
    assert.equal(reply.status, status);
    assert.match(reply.body.msg, /no_such_ask/);
    assert.equal(made, 0);
  }
});

test("too frequent, in three bodies", async (t) => {
  const bench = await openBench(t);
  const bodies = [];
  for (const style of ["detail", "envelope", "text"]) {
    const { reply, made } = await rentWith(bench, { do: "tooFrequent", style, threshold: 4.5 });
    assert.equal(reply.status, 429);
    assert.equal(made, 0);
    bodies.push(reply.text);
  }
  assert.deepEqual(bodies, [
    '{"detail":"API requests too frequent endpoint threshold=4.5"}',
    '{"success":false,"error":"rate_limit_exceeded","msg":"API requests too frequent endpoint threshold=4.5"}',
    "API requests too frequent: endpoint threshold=4.5",
  ]);
});

test("too frequent, with the seconds or the date to wait for", async (t) => {
  const { simulator, ask } = await openBench(t);
  const date = "Tue, 01 Sep 2026 00:00:30 GMT";
  simulator.world.faults.add({ on: "GET /api/v1/instances/", do: "tooFrequent", retryAfter: 30 });
  simulator.world.faults.add({ on: "GET /api/v1/instances/", do: "tooFrequent", retryAfter: date });
  simulator.world.faults.add({ on: "GET /api/v1/instances/", do: "tooFrequent" });
  const heard = [];
  for (let count = 0; count < 3; count++)
    heard.push((await ask("GET", "/api/v1/instances/")).headers.get("retry-after"));
  assert.deepEqual(heard, ["30", date, null]);
});

test("the searches of a day are used up until midnight, whatever form says so", async (t) => {
  const { simulator, clock, ask } = await openBench(t);
  const midnight = Date.UTC(2026, 8, 2);
  const forms: [form: Record<string, unknown>, header: string | null][] = [
    [{}, String(midnight / 1000)],
    [{ form: "milliseconds" }, String(midnight)],
    [{ form: "date" }, "Wed, 02 Sep 2026 00:00:00 GMT"],
    [{ form: "iso" }, "2026-09-02T00:00:00.000Z"],
    [{ form: "none" }, null],
    [{ reset: "soon" }, "soon"],
    [{ seconds: 90 }, String(Date.UTC(2026, 8, 1, 0, 1, 30) / 1000)],
  ];
  for (const [form, header] of forms) {
    simulator.world.faults.add({ on: "POST /bundles/", do: "searchQuota", ...form });
    const { status, body, headers } = await ask("POST", "/api/v0/bundles/", {});
    assert.deepEqual([status, body.error, headers.get("x-ratelimit-reset")], [429, "search_quota_exceeded", header]);
  }
  simulator.world.faults.add({ on: "POST /bundles/", do: "searchQuota", times: 0 });
  const search = async () => (await ask("POST", "/api/v0/bundles/", {})).status;
  assert.deepEqual([await search(), await search()], [429, 429]);
  assert.equal((await ask("GET", "/api/v1/instances/")).status, 200, "anything else goes on");
  await clock.advance(86_400);
  assert.equal(await search(), 200);
});

test("a gateway's error page, before and after the machine was rented", async (t) => {
  const bench = await openBench(t);
  for (const [name, rented] of [
    ["serverErrorBefore", 0],
    ["serverErrorAfter", 1],
  ] as const) {
    const { reply, made } = await rentWith(bench, { do: name, status: 504 });
    assert.equal(reply.status, 504);
    assert.equal(reply.type, "text/html");
    assert.match(reply.text, /504 Gateway Time-out/);
    assert.equal(made, rented);
  }
});

test("the connection is cut, before and after the machine was rented", async (t) => {
  const bench = await openBench(t);
  for (const [name, rented] of [
    ["resetBefore", 0],
    ["resetAfter", 1],
  ] as const) {
    const { reply, made } = await rentWith(bench, { do: name });
    assert.ok(reply instanceof Error);
    assert.equal(made, rented);
    assert.ok(bench.simulator.world.requests.some(({ status, fault }) => status === 0 && fault === name));
  }
});

test("a slow answer waits for its time", async (t) => {
  const bench = await openBench(t);
  bench.simulator.world.faults.add({ on: "GET /users/current/", do: "slow", seconds: 30 });
  let answered = false;
  const asked = bench.ask("GET", "/api/v0/users/current/").then(() => {
    answered = true;
  });
  await bench.ask("GET", "/api/v1/instances/");
  assert.ok(!answered);
  while (!answered) {
    await bench.clock.advance(10);
    await new Promise((next) => setImmediate(next));
  }
  await asked;
  assert.equal(bench.simulator.world.requests.at(-1)?.fault, "slow");
});

test("no answer, and carried out when nobody waits any more", async (t) => {
  const bench = await openBench(t);
  const living = () => bench.simulator.world.contracts.living().length;
  bench.simulator.world.faults.add({ on: PUT_ASK, do: "late", seconds: 135 });
  await assert.rejects(bench.rent());
  await bench.clock.advance(134);
  assert.equal(living(), 0);
  await bench.clock.advance(2);
  assert.equal(living(), 1);
});

test("200 and nothing in it, or half of it, though the machine was rented", async (t) => {
  const bench = await openBench(t);
  const empty = await rentWith(bench, { do: "empty200" });
  assert.deepEqual([empty.reply.status, empty.reply.text, empty.made], [200, "", 1]);
  const half = await rentWith(bench, { do: "truncatedJson" });
  assert.deepEqual([half.reply.status, half.reply.body, half.made], [200, undefined, 1]);
  assert.match(half.reply.text, /^\{"success":true/);
});

test("200 that reports a failure", async (t) => {
  const { reply, made } = await rentWith(await openBench(t), { do: "success200False", error: "x", msg: "y" });
  assert.equal(reply.status, 200);
  assert.deepEqual(reply.body, { success: false, error: "x", msg: "y" });
  assert.equal(made, 0);
});

test("an error that carries an id: the machine is there, stopped, and bills its disk", async (t) => {
  const bench = await openBench(t);
  const { reply, made, state } = await rentWith(bench, { do: "errorWithContract" });
  assert.equal(reply.status, 400);
  assert.ok(bench.simulator.world.contracts.get(reply.body.new_contract));
  assert.deepEqual([made, state], [1, "stopped"]);
});

test("success for a machine that never gets its GPUs", async (t) => {
  const bench = await openBench(t);
  bench.simulator.world.faults.add({ on: PUT_ASK, do: "createdStopped" });
  const id = await bench.rent();
  await bench.clock.advance(60);
  assert.equal((await bench.instance(id)).cur_state, "stopped");
});

test("refusals: credit, spending, server error, authentication", async (t) => {
  const bench = await openBench(t);
  const refused = async (name: string) => {
    const { reply, made } = await rentWith(bench, { do: name });
    assert.equal(made, 0);
    return [reply.status, reply.body.error];
  };
  assert.deepEqual(await refused("insufficientCredit"), [400, "insufficient_credit"]);
  assert.deepEqual(await refused("spendLimit"), [400, "spend_rate_limit"]);
  assert.deepEqual(await refused("serverErrorJson"), [500, "server_error"]);
  assert.deepEqual(await refused("authError404"), [404, "auth_error"]);
  assert.deepEqual(await refused("authError401"), [401, "auth_error"]);
  assert.deepEqual(await refused("forbidden403"), [403, "not_authorized"]);
});

test("a destruction that is ignored, and one that takes its time", async (t) => {
  const bench = await openBench(t);
  const { running, ask, clock, instance, simulator } = bench;
  const id = await running();
  simulator.world.faults.add({ on: "DELETE /instances/{id}/", do: "destroyIgnored" });
  assert.deepEqual((await ask("DELETE", `/api/v0/instances/${id}/`)).body, { success: true });
  await clock.advance(60);
  assert.equal((await instance(id)).actual_status, "running");
  simulator.world.faults.add({ on: "DELETE /instances/{id}/", do: "destroySlow", seconds: 20 });
  await ask("DELETE", `/api/v0/instances/${id}/`);
  await clock.advance(19);
  assert.notEqual(await instance(id), null);
  await clock.advance(2);
  assert.equal(await instance(id), null);
});

test("a start that is queued though the GPUs are free", async (t) => {
  const bench = await openBench(t);
  const { running, ask, clock, simulator, instance } = bench;
  const id = await running();
  await ask("PUT", `/api/v0/instances/${id}/`, { state: "stopped" });
  await clock.advance(5);
  simulator.world.faults.add({ on: "PUT /instances/{id}/", do: "startQueued" });
  const { body } = await ask("PUT", `/api/v0/instances/${id}/`, { state: "running" });
  assert.equal(body.error, "resources_unavailable");
  assert.equal((await instance(id)).next_state, "running");
});

test("faults count: how often, after how many, and for which machine or offer", async (t) => {
  const bench = await openBench(t);
  const { ask, simulator } = bench;
  const get = async () => (await ask("GET", "/api/v0/users/current/")).status;
  simulator.world.faults.add({ on: "GET /users/current/", do: "serverErrorBefore", times: 2, after: 1 });
  assert.deepEqual([await get(), await get(), await get(), await get()], [200, 502, 502, 200]);

  const offer = await findOffer(bench);
  const other = await findOffer(bench, { machine_id: { neq: offer.machine_id } });
  simulator.world.faults.add({ on: PUT_ASK, do: "offerTaken410", machineId: offer.machine_id, times: 0 });
  const rent = async ({ id }: { id: number }) =>
    (await ask("PUT", `/api/v0/asks/${id}/`, { ...ORDER, price: 30 })).status;
  assert.deepEqual([await rent(offer), await rent(other), await rent(offer)], [410, 200, 410]);
});

test("a request is held before its effect, between effect and answer, or lost, until it is let go", async (t) => {
  const bench = await openBench(t);
  const { contracts } = bench.simulator.world;
  const control = (method: string) => bench.ask(method, "/_sim/held", undefined, null);
  for (const [name, whileHeld, afterwards] of [
    ["hold", 0, 1],
    ["holdAfter", 1, 1],
    ["holdLost", 0, 0],
  ] as const) {
    const offer = await findFreeOffer(bench);
    const before = contracts.all().length;
    bench.simulator.world.faults.add({ on: PUT_ASK, do: name });
    const rental = bench.ask("PUT", `/api/v0/asks/${offer.id}/`, { ...ORDER, price: offer.min_bid }).catch(() => {});
    assert.deepEqual((await control("GET")).body, { held: true }, name);
    assert.equal(contracts.all().length - before, whileHeld, name);
    assert.deepEqual((await control("DELETE")).body, { letGo: 1 }, name);
    await rental;
    assert.equal(contracts.all().length - before, afterwards, name);
    assert.deepEqual((await control("DELETE")).body, { letGo: 0 }, name);
  }
});

test("the slice is rented by somebody else between search and rental", async (t) => {
  const bench = await openBench(t);
  const offer = await findOffer(bench);
  const { reply, made } = await rentWith(bench, { do: "takenMeanwhile" });
  assert.deepEqual([reply.status, made], [410, 0]);
  assert.notEqual((await findOffer(bench)).id, offer.id);
});

test("every offer gets another id between search and rental; machine and slice are the same", async (t) => {
  const bench = await openBench(t);
  const before = await findOffer(bench);
  const { reply, made } = await rentWith(bench, { do: "newOfferIds" });
  assert.deepEqual([reply.status, reply.body.error, made], [404, "invalid_args", 0]);
  const { id, machine_id, num_gpus } = await findOffer(bench);
  assert.deepEqual([machine_id, num_gpus], [before.machine_id, before.num_gpus]);
  assert.notEqual(id, before.id);
  const { body } = await bench.ask("PUT", `/api/v0/asks/${id}/`, { ...ORDER, price: before.min_bid });
  const line = await bench.ledgerOf(body.new_contract);
  bench.simulator.world.market.renumber();
  assert.deepEqual([line.offerId, (await bench.ledgerOf(body.new_contract)).offerId], [id, id]);
});

test("refusals of what was sent: arguments, environment", async (t) => {
  const bench = await openBench(t);
  for (const [name, words] of [
    ["invalidArgs", /Invalid args/],
    ["envTooLarge", /> 32KB/],
  ] as const) {
    const { reply, made } = await rentWith(bench, { do: name });
    assert.deepEqual([reply.status, reply.body.error, made], [400, "invalid_args", 0]);
    assert.match(reply.body.msg, words);
  }
});

test("answers that are old for a while, each request by itself", async (t) => {
  const bench = await openBench(t);
  const [one, other] = [await bench.running(), await bench.rent()];
  bench.simulator.world.faults.add({ on: "GET /instances/{id}/", do: "stale", seconds: 20, times: 0 });
  assert.deepEqual([await status(one), await status(other)], ["running", null]);
  await bench.ask("PUT", `/api/v0/instances/${one}/`, { state: "stopped" });
  await bench.clock.advance(10);
  assert.deepEqual([await status(one), await status(other)], ["running", null]);
  await bench.clock.advance(11);
  assert.deepEqual([await status(one), await status(other)], ["exited", "running"]);
  async function status(id: number) {
    return (await bench.instance(id))?.actual_status ?? null;
  }
});

test("a search that ignores filters, and one that answers with few rows", async (t) => {
  const bench = await openBench(t);
  const names = async (query: Record<string, unknown>) =>
    (await bench.ask("POST", "/api/v0/bundles/", query)).body.offers.map((row: { gpu_name: string }) => row.gpu_name);
  const query = { gpu_name: { eq: "H100 SXM" }, order: [["dph_total", "asc"]] };
  bench.simulator.world.faults.add({ on: "POST /bundles/", do: "ignoreFilters", filters: ["gpu_name"] });
  assert.ok(new Set(await names(query)).size > 1);
  bench.simulator.world.faults.add({ on: "POST /bundles/", do: "fewRows", rows: 2 });
  assert.deepEqual(await names(query), ["H100 SXM", "H100 SXM"]);
});

test("a list that lacks a row, counted or not, and a token that is none", async (t) => {
  const bench = await openBench(t);
  await bench.running();
  const list = "GET /api/v1/instances/";
  const names = ["forgetfulList", "partialPage", "invalidToken"];
  bench.simulator.world.faults.add(...names.map((name) => ({ on: list, do: name })));
  const forgetful = (await bench.ask("GET", "/api/v1/instances/")).body;
  assert.deepEqual([forgetful.instances.length, forgetful.total_instances], [0, 0]);
  const { body } = await bench.ask("GET", "/api/v1/instances/");
  assert.deepEqual([body.instances.length, body.total_instances], [0, 1]);
  const refused = await bench.ask("GET", "/api/v1/instances/");
  assert.deepEqual([refused.status, refused.body.error], [400, "invalid_token"]);
});

test("a log whose address is refused for a while, and one that lacks its end", async (t) => {
  const bench = await openBench(t);
  const logs = "PUT /instances/request_logs/{id}/";
  bench.simulator.world.faults.add({ on: "boot", do: "noSpace" });
  const id = await bench.running();
  const address = async () => {
    const { body } = await bench.ask("PUT", `/api/v0/instances/request_logs/${id}/`, { daemon_logs: "true" });
    await bench.clock.advance(1);
    return body.result_url.slice(bench.simulator.url.length);
  };
  const read = async (path: string) => (await bench.ask("GET", path, undefined, null)).status;
  bench.simulator.world.faults.add({ on: logs, do: "logsForbidden", polls: 2 });
  const path = await address();
  assert.deepEqual([await read(path), await read(path), await read(path)], [403, 403, 200]);
  bench.simulator.world.faults.add({ on: logs, do: "logsStale" });
  assert.equal((await bench.ask("GET", await address(), undefined, null)).text, "");
});

test("a stop that takes its time", async (t) => {
  const bench = await openBench(t);
  const id = await bench.running();
  bench.simulator.world.faults.add({ on: "PUT /instances/{id}/", do: "stopSlow", seconds: 90 });
  await bench.ask("PUT", `/api/v0/instances/${id}/`, { state: "stopped" });
  await bench.clock.advance(89);
  assert.equal((await bench.instance(id)).actual_status, "running");
  await bench.clock.advance(2);
  assert.equal((await bench.instance(id)).actual_status, "exited");
});
