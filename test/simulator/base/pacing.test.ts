import assert from "node:assert/strict";
import { test } from "node:test";
import { Gates } from "../../../simulator/base/pacing.ts";
import type { Clock } from "../../../simulator/index.ts";
import { openBench } from "../../support/simulator.ts";

test("a gate opens after its threshold, and a call that was turned away does not shut it again", () => {
  const gates = new Gates();
  assert.equal(gates.broken("key", "PUT /asks/{id}/", 0), undefined);
  assert.equal(gates.broken("key", "PUT /asks/{id}/", 4000), 4.5);
  assert.equal(gates.broken("key", "PUT /asks/{id}/", 4499), 4.5);
  assert.equal(gates.broken("key", "PUT /asks/{id}/", 4500), undefined);
});

test("each key, method and endpoint has its own gate", () => {
  const gates = new Gates();
  assert.equal(gates.broken("one", "GET /instances/{id}/", 0), undefined);
  assert.equal(gates.broken("other", "GET /instances/{id}/", 0), undefined);
  assert.equal(gates.broken("one", "DELETE /instances/{id}/", 0), undefined);
  assert.equal(gates.broken("one", "GET /instances/{id}/", 1999), 2);
});

test("endpoints without a published limit pass freely", () => {
  const gates = new Gates();
  for (let call = 0; call < 50; call++) assert.equal(gates.broken("key", "GET /users/current/", 0), undefined);
});

test("the search stands a few calls in a row and no more", () => {
  const gates = new Gates();
  for (let call = 0; call < 5; call++) assert.equal(gates.broken("key", "POST /bundles/", call), undefined);
  assert.equal(gates.broken("key", "POST /bundles/", 10), 2);
  assert.equal(gates.broken("key", "POST /bundles/", 2010), undefined);
});

test("reading one instance and then another is too frequent: the limit is not per id", async (t) => {
  const { ask, clock } = await openBench(t, { pace: true });
  assert.equal((await ask("GET", "/api/v0/instances/1/")).status, 200);
  const second = await ask("GET", "/api/v0/instances/2/");
  assert.equal(second.status, 429);
  assert.deepEqual(second.body, { detail: "API requests too frequent endpoint threshold=2" });
  await clock.advance(2);
  assert.equal((await ask("GET", "/api/v0/instances/2/")).status, 200);
});

test("a 429 comes in three bodies", async (t) => {
  const { ask } = await openBench(t, { pace: true });
  const twice = async (method: string, path: string, body?: unknown) => {
    await ask(method, path, body);
    return ask(method, path, body);
  };
  assert.deepEqual((await twice("GET", "/api/v1/instances/")).body, {
    detail: "API requests too frequent endpoint threshold=1",
  });
  assert.deepEqual((await twice("DELETE", "/api/v0/instances/7/")).body, {
    success: false,
    error: "rate_limit_exceeded",
    msg: "API requests too frequent endpoint threshold=3",
  });
  const plain = await twice("POST", "/api/v0/ssh/", { ssh_key: "ssh-ed25519 AAAA" });
  assert.equal(plain.type, "text/plain");
  assert.equal(plain.text, "API requests too frequent: endpoint threshold=1");
});

/** Only who waits moves it. */
function jumpingClock(): Clock {
  let now = 0;
  return {
    now: () => now,
    after: (milliseconds, alarm) => {
      now += milliseconds;
      const turn = setImmediate(alarm);
      return () => clearImmediate(turn);
    },
  };
}

test("whoever waits for one answer before the next call gets through where the way is long enough", async (t) => {
  for (const [latency, status] of [
    [0, 429],
    [0.9, 429],
    [1, 200],
  ] as const) {
    const { ask } = await openBench(t, { pace: true, timings: { latency }, clock: jumpingClock() });
    assert.equal((await ask("GET", "/api/v1/instances/")).status, 200);
    assert.equal((await ask("GET", "/api/v1/instances/")).status, status, `${latency} s`);
  }
});
