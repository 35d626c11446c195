import assert from "node:assert/strict";
import { test } from "node:test";
import { openBench } from "../../support/simulator.ts";

test("a log is at an address of its own, 403 until it is there, and needs no key", async (t) => {
  const { ask, running, clock, simulator } = await openBench(t);
  const id = await running();
  const { body } = await ask("PUT", `/api/v0/instances/request_logs/${id}/`, { tail: "100" });
  assert.equal(body.success, true);
  const path = body.result_url.slice(simulator.url.length);
  assert.equal((await ask("GET", path, undefined, null)).status, 403);
  await clock.advance(1);
  const log = await ask("GET", path, undefined, null);
  assert.equal(log.status, 200);
  assert.equal(log.type, "text/plain");
  assert.equal((await ask("GET", "/_blobs/other", undefined, null)).status, 403);
});

test("the daemon's log tells why an image could not be pulled; it can be filtered", async (t) => {
  const { ask, running, clock, simulator } = await openBench(t);
  simulator.world.faults.add({ on: "boot", do: "imageNotFound" });
  const id = await running({ image: "nobody/nothing:1" });
  for (const [filter, expected] of [
    ["", /manifest for nobody\/nothing:1 not found/],
    ["no such word", /^$/],
  ] as const) {
    const order = { daemon_logs: "true", filter };
    const { body } = await ask("PUT", `/api/v0/instances/request_logs/${id}/`, order);
    await clock.advance(1);
    assert.match((await ask("GET", body.result_url.slice(simulator.url.length))).text, expected);
  }
});

test("errors", async (t) => {
  const { ask, running } = await openBench(t);
  const unknown = await ask("PUT", "/api/v0/instances/request_logs/42/", {});
  assert.equal(unknown.status, 404);
  assert.equal(unknown.body.error, "invalid_id");
  const id = await running();
  assert.equal((await ask("PUT", `/api/v0/instances/request_logs/${id}/`, { tail: "many" })).status, 400);
  assert.equal((await ask("PUT", `/api/v0/instances/command/${id}/`, { command: "reboot" })).status, 400);
  assert.equal(
    (await ask("PUT", `/api/v0/instances/command/${id}/`, { command: `ls ${"x".repeat(600)}` })).status,
    400,
  );
  const { body } = await ask("PUT", `/api/v0/instances/command/${id}/`, { command: "ls -l /workspace" });
  assert.ok(body.result_url && body.writeable_path);
});
