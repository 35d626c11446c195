import assert from "node:assert/strict";
import { test } from "node:test";
import { type Bench, type Body, openBench } from "../../support/simulator.ts";

const list = async ({ ask }: Bench, query: Record<string, string> = {}) =>
  (await ask("GET", `/api/v1/instances/?${new URLSearchParams(query)}`)).body;

async function rentMany(bench: Bench, count: number): Promise<number[]> {
  const query = { rentable: { eq: true }, num_gpus: { eq: 1 }, order: [["dph_total", "asc"]] };
  const { body } = await bench.ask("POST", "/api/v0/bundles/", query);
  const machines = new Map(body.offers.map((offer: Body) => [offer.machine_id, offer]));
  const ids: number[] = [];
  for (const offer of [...machines.values()].slice(0, count) as Body[]) {
    const label = ids.length % 2 === 0 ? "even" : undefined;
    const answer = await bench.ask("PUT", `/api/v0/asks/${offer.id}/`, { image: "a/b", disk: 8, label });
    ids.push(answer.body.new_contract);
  }
  await bench.clock.advance(10);
  return ids;
}

test("the old list is retired, and says so with 410", async (t) => {
  const { ask } = await openBench(t);
  for (const path of ["/api/v0/instances/", "/api/v0/instances?owner=me"]) {
    const { status, body } = await ask("GET", path);
    assert.equal(status, 410);
    assert.deepEqual(body, {
      success: false,
      error: "deprecated_endpoint",
      msg: "/api/v0/instances/ is deprecated. Use /api/v1/instances/ instead.",
    });
  }
});

test("an empty list", async (t) => {
  const bench = await openBench(t);
  assert.deepEqual(await list(bench), {
    success: true,
    instances_found: 0,
    total_instances: 0,
    label_counts: {},
    next_token: null,
    instances: [],
  });
});

test("pages of 25 at most; the token leads through all of them", async (t) => {
  const bench = await openBench(t);
  const ids = await rentMany(bench, 30);
  assert.equal(ids.length, 30);
  const first = await list(bench, { limit: "100" });
  assert.equal(first.instances.length, 25);
  assert.equal(first.instances_found, 25);
  assert.equal(first.total_instances, 30);
  assert.deepEqual(first.label_counts, { even: 15, "": 15 });
  const second = await list(bench, { after_token: first.next_token });
  assert.equal(second.next_token, null);
  const seen = [...first.instances, ...second.instances].map(({ id }: Body) => id);
  assert.deepEqual(seen, ids);
  assert.equal((await list(bench, { limit: "0" })).instances.length, 5);
  assert.equal((await list(bench, { limit: "7" })).instances.length, 7);
});

test("filters on what is stored, order, columns", async (t) => {
  const bench = await openBench(t);
  const ids = await rentMany(bench, 6);
  const even = await list(bench, { select_filters: '{"label":{"eq":"even"}}' });
  assert.equal(even.total_instances, 3);
  assert.deepEqual(even.label_counts, { even: 3 });
  const down = await list(bench, { order_by: '[{"col":"id","dir":"desc"}]' });
  assert.deepEqual(
    down.instances.map(({ id }: Body) => id),
    ids.toReversed(),
  );
  const few = await list(bench, { select_cols: '["id","actual_status"]', limit: "1" });
  assert.deepEqual(few.instances, [{ id: ids[0], actual_status: "running" }]);
  const status = await list(bench, { select_filters: '{"actual_status":{"in":["loading","exited"]}}' });
  assert.equal(status.total_instances, 0);
});

test("what is worked out cannot be filtered; a bad token is refused", async (t) => {
  const bench = await openBench(t);
  for (const column of ["dph_total", "num_gpus", "nonsense"]) {
    const filters = JSON.stringify({ [column]: { eq: 1 } });
    const { status, body } = await bench.ask("GET", `/api/v1/instances/?select_filters=${encodeURIComponent(filters)}`);
    assert.equal(status, 400);
    assert.equal(body.error, "invalid_request");
    assert.equal(body.msg, `${column} is not a valid search key`);
  }
  const { status, body } = await bench.ask("GET", "/api/v1/instances/?after_token=nonsense");
  assert.equal(status, 400);
  assert.equal(body.error, "invalid_token");
});

test("a row of the list is the row of the single read", async (t) => {
  const bench = await openBench(t);
  const id = await bench.running();
  const { instances } = await list(bench);
  assert.deepEqual(instances, [await bench.instance(id)]);
});

test("a machine that was just rented is not yet in the list", async (t) => {
  const bench = await openBench(t);
  await bench.rent();
  assert.equal((await list(bench)).total_instances, 0);
  await bench.clock.advance(1);
  assert.equal((await list(bench)).total_instances, 1);
});

test("the values that filters can have", async (t) => {
  const bench = await openBench(t);
  await bench.running();
  const { body } = await bench.ask("GET", "/api/v0/instances/filters/");
  assert.deepEqual(
    body.filters.map(({ actual_status }: Body) => actual_status),
    ["running"],
  );
});
