import assert from "node:assert/strict";
import { test } from "node:test";
import type { Fault } from "../../../simulator/index.ts";
import { type Bench, openBench } from "../../support/simulator.ts";

async function bootWith(bench: Bench, fault: Partial<Fault>, seconds = 60): Promise<number> {
  bench.simulator.world.faults.add({ on: "boot", do: "", ...fault });
  const id = await bench.rent();
  await bench.clock.advance(seconds);
  return id;
}

test("stuck before, while and after loading", async (t) => {
  const bench = await openBench(t);
  for (const [name, status, msg] of [
    ["stuckNull", null, /^null$/],
    ["stuckLoading", "loading", /Waiting/],
    ["ociFail", "created", /OCI runtime create failed/],
  ] as const) {
    const id = await bootWith(bench, { do: name }, 3600);
    const row = await bench.instance(id);
    assert.equal(row.actual_status, status);
    assert.match(String(row.status_msg), msg);
    const { cost } = await bench.ledgerOf(id);
    assert.ok(cost.disk > 0 && cost.gpu === 0, "the disk is billed all the while");
    await bench.ask("DELETE", `/api/v0/instances/${id}/`);
  }
});

test("an image that cannot be pulled: docker's words, for ever", async (t) => {
  const bench = await openBench(t);
  for (const [name, msg] of [
    ["imageNotFound", /manifest for pytorch\/pytorch:2.4.0 not found/],
    ["pullDenied", /pull access denied/],
    ["pullLimit", /toomanyrequests/],
    ["unexpectedEof", /unexpected EOF/],
    ["noSpace", /no space left on device/],
  ] as const) {
    const id = await bootWith(bench, { do: name });
    const row = await bench.instance(id);
    assert.equal(row.actual_status, "loading");
    assert.match(row.status_msg, msg);
    await bench.ask("DELETE", `/api/v0/instances/${id}/`);
  }
});

test("a container that ends as soon as it has started", async (t) => {
  const bench = await openBench(t);
  const id = await bootWith(bench, { do: "exitedDuringBoot" });
  assert.equal((await bench.instance(id)).actual_status, "exited");
});

test("ports that come late or never", async (t) => {
  const bench = await openBench(t);
  const late = await bootWith(bench, { do: "portsLate", seconds: 30 }, 20);
  assert.equal((await bench.instance(late)).actual_status, "running");
  assert.equal((await bench.instance(late)).ports, null);
  await bench.clock.advance(20);
  assert.ok((await bench.instance(late)).ports);
  const never = await bootWith(bench, { do: "portsMissing" }, 3600);
  assert.equal((await bench.instance(never)).ports, null);
});

test("hidden from GET, or from the list, for a while", async (t) => {
  const bench = await openBench(t);
  const listed = async () => (await bench.ask("GET", "/api/v1/instances/")).body.total_instances;
  const unseen = await bootWith(bench, { do: "nullAfterCreate", seconds: 20 }, 10);
  assert.equal(await bench.instance(unseen), null);
  assert.equal(await listed(), 1);
  await bench.clock.advance(20);
  assert.ok(await bench.instance(unseen));
  const unlisted = await bootWith(bench, { do: "listLag", seconds: 20 }, 10);
  assert.ok(await bench.instance(unlisted));
  assert.equal(await listed(), 1);
  await bench.clock.advance(20);
  assert.equal(await listed(), 2);
});

test("answers that are not as they should be", async (t) => {
  const bench = await openBench(t);
  const id = await bootWith(bench, { do: "misreport", fields: { num_gpus: 7 } });
  assert.equal((await bench.instance(id)).num_gpus, 7);
});

test("pinned to a machine, a fault leaves the others alone", async (t) => {
  const bench = await openBench(t);
  bench.simulator.world.faults.add({ on: "boot", do: "stuckLoading", machineId: 1 });
  assert.equal((await bench.instance(await bench.running())).actual_status, "running");
});

test("a restart is a boot too", async (t) => {
  const bench = await openBench(t);
  const id = await bench.running();
  await bench.ask("PUT", `/api/v0/instances/${id}/`, { state: "stopped" });
  await bench.clock.advance(5);
  bench.simulator.world.faults.add({ on: "boot", do: "stuckLoading", instanceId: id });
  await bench.ask("PUT", `/api/v0/instances/${id}/`, { state: "running" });
  await bench.clock.advance(60);
  assert.equal((await bench.instance(id)).actual_status, "loading");
});

test("exited for a moment, and up all the same", async (t) => {
  const bench = await openBench(t);
  const id = await bootWith(bench, { do: "transientExited", seconds: 5 }, 3);
  assert.equal((await bench.instance(id)).actual_status, "exited");
  await bench.clock.advance(5);
  assert.equal((await bench.instance(id)).actual_status, "running");
});

test("a host that is not heard of: for a while, given up after a while, given up at once", async (t) => {
  const bench = await openBench(t);
  const statusAfter = async (id: number, seconds: number) => {
    await bench.clock.advance(seconds);
    return (await bench.instance(id)).actual_status;
  };
  const silent = await bootWith(bench, { do: "unknownDuringBoot", seconds: 60 }, 30);
  assert.deepEqual([await statusAfter(silent, 0), await statusAfter(silent, 60)], ["unknown", "running"]);
  const lost = await bootWith(bench, { do: "unknownThenOffline", seconds: 60 }, 30);
  assert.deepEqual([await statusAfter(lost, 0), await statusAfter(lost, 3600)], ["unknown", "offline"]);
  const offline = await bootWith(bench, { do: "hostOffline" }, 5);
  assert.equal(await statusAfter(offline, 0), "offline");
  const before = (await bench.ledgerOf(offline)).cost.total;
  assert.deepEqual([await statusAfter(offline, 3600), (await bench.ledgerOf(offline)).cost.total], ["offline", before]);
});

test("a pull that takes minutes shows the same words all the while", async (t) => {
  const bench = await openBench(t);
  const id = await bootWith(bench, { do: "slowPull", minutes: 10 }, 5);
  const early = (await bench.instance(id)).status_msg;
  await bench.clock.advance(9 * 60);
  const late = await bench.instance(id);
  assert.deepEqual([late.actual_status, late.status_msg], ["loading", early]);
  await bench.clock.advance(60);
  assert.equal((await bench.instance(id)).actual_status, "running");
});

test("less disk, and another number of GPUs, than were sold", async (t) => {
  const bench = await openBench(t);
  assert.equal((await bench.instance(await bootWith(bench, { do: "diskUnderProvisioned" }))).disk_space, 20);
  assert.equal((await bench.instance(await bootWith(bench, { do: "wrongGpuCount", gpus: 3 }))).num_gpus, 3);
});
