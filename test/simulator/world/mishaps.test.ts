import assert from "node:assert/strict";
import { test } from "node:test";
import { openBench } from "../../support/simulator.ts";

test("a mishap scripted for a machine happens after so many seconds of running", async (t) => {
  const { simulator, rent, clock, instance } = await openBench(t);
  simulator.world.faults.add({ on: "run", do: "outbid", afterSeconds: 100, forSeconds: 50 });
  const id = await rent();
  await clock.advance(2.5 + 99);
  assert.equal((await instance(id)).actual_status, "running");
  await clock.advance(2);
  assert.equal((await instance(id)).actual_status, "exited");
  await clock.advance(60);
  assert.equal((await instance(id)).actual_status, "running", "once");
});

test("over HTTP: faults are listed with how often they were met, and cleared", async (t) => {
  const { ask } = await openBench(t);
  const fault = { on: "GET /users/current", do: "serverErrorBefore" };
  await ask("POST", "/_sim/faults", [fault, { on: "boot", do: "stuckLoading", times: 0 }], null);
  assert.equal((await ask("GET", "/api/v0/users/current/")).status, 502);
  const { body } = await ask("GET", "/_sim/faults", undefined, null);
  assert.deepEqual(body, [
    { on: "GET /users/current/", do: "serverErrorBefore", met: 1, left: 0 },
    { on: "boot", do: "stuckLoading", times: 0, met: 0, left: null },
  ]);
  await ask("DELETE", "/_sim/faults", undefined, null);
  assert.deepEqual((await ask("GET", "/_sim/faults", undefined, null)).body, []);
});

test("a fault that can never occur is refused with what could", async (t) => {
  const { ask } = await openBench(t);
  const refused = async (fault: unknown) => {
    const { status, body } = await ask("POST", "/_sim/faults", fault, null);
    assert.equal(status, 400);
    return body.error;
  };
  assert.match(await refused({ on: "PUT /nonsense/", do: "slow" }), /"boot", "run" or an endpoint/);
  assert.match(await refused({ on: "boot", do: "slow" }), /stuckLoading/);
  assert.match(await refused({ on: "PUT /asks/{offer}", do: "outbid" }), /offerTaken400/);
  assert.match(await refused([null]), /"on"/);
});

test("controls that make no sense say why", async (t) => {
  const { ask, rent } = await openBench(t, { clock: { now: () => 0, after: () => () => {} } });
  const post = async (path: string, body: unknown) => (await ask("POST", `/_sim/${path}`, body, null)).body.error;
  assert.match(await post("instances/42/outbid", {}), /no instance 42/);
  assert.match(await post("clock", { advanceSeconds: 1 }), /real clock/);
  assert.match(await post("nonsense", {}), /there is no POST/);
  const id = await rent({ price: null });
  assert.match(await post(`instances/${id}/outbid`, {}), /rented on demand/);
  assert.match(await post(`instances/${id}/explode`, {}), /an instance can outbid, .* not explode/);
});

test("time can be turned over HTTP", async (t) => {
  const { ask, clock } = await openBench(t);
  const before = clock.now();
  const { body } = await ask("POST", "/_sim/clock", { advanceSeconds: 90 }, null);
  assert.equal(body.now, before + 90_000);
  assert.equal((await ask("POST", "/_sim/clock", { advanceSeconds: -1 }, null)).status, 400);
});

test("the account has nothing left: every machine stops, and its disk is billed", async (t) => {
  const { running, simulator, instance, ask } = await openBench(t);
  const ids = [await running(), await running()];
  await ask("POST", `/_sim/instances/${ids[0]}/zeroBalance`, {}, null);
  for (const id of ids) assert.equal((await instance(id)).actual_status, "exited");
  assert.ok((await ask("GET", "/api/v0/users/current/")).body.credit <= 0);
  for (const contract of simulator.world.contracts.living()) assert.ok(contract.meter.rates.disk > 0);
});

test("a host raises its price for what is rented on demand", async (t) => {
  const { rent, running, clock, instance, ask } = await openBench(t);
  const id = await rent({ price: null });
  await clock.advance(10);
  const before = (await instance(id)).dph_base;
  await ask("POST", `/_sim/instances/${id}/priceRise`, { factor: 2 }, null);
  assert.ok(Math.abs((await instance(id)).dph_base - 2 * before) < 1e-5);
  const { status } = await ask("POST", `/_sim/instances/${await running()}/priceRise`, {}, null);
  assert.equal(status, 400);
});
