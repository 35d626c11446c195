import assert from "node:assert/strict";
import { test } from "node:test";
import { generateMarket } from "../../../simulator/market/generate.ts";
import { overlap } from "../../../simulator/market/machine.ts";

const NOW = Date.UTC(2026, 8, 1);
const SEEDS = [1, 2, 3, 17, 4711];

test("the same seed gives the same market, another seed another one", () => {
  assert.deepEqual(generateMarket(3, NOW), generateMarket(3, NOW));
  assert.notDeepEqual(generateMarket(3, NOW), generateMarket(4, NOW));
});

test("there are some hundred offers, each id once", () => {
  for (const seed of SEEDS) {
    const ids = generateMarket(seed, NOW).flatMap(({ asks }) => asks.map(({ id }) => id));
    assert.ok(ids.length > 200 && ids.length < 600, `${ids.length} offers`);
    assert.equal(new Set(ids).size, ids.length);
  }
});

test("a market three times as large holds the usual one, and each id once", () => {
  const [usual, large] = [generateMarket(1, NOW), generateMarket(1, NOW, 3)];
  assert.equal(large.length, 3 * usual.length);
  assert.deepEqual(large.slice(0, usual.length), usual);
  const ids = large.flatMap(({ id, asks }) => [id, ...asks.map((ask) => ask.id)]);
  assert.equal(new Set(ids).size, ids.length);
});

test("every seed has sound H100 SXM slices of 1, 2, 4 and 8 GPUs", () => {
  for (const seed of SEEDS) {
    const sound = generateMarket(seed, NOW).filter(
      ({ gpu, verification, reliability, down, directPorts, endAt, diskGb }) =>
        gpu.name === "H100 SXM" &&
        verification === "verified" &&
        reliability >= 0.95 &&
        down >= 500 &&
        directPorts >= 2 &&
        diskGb >= 500 &&
        endAt > NOW + 24 * 3_600_000,
    );
    const free = sound.flatMap(({ asks }) => asks.filter(({ tenant }) => tenant === undefined));
    for (const gpus of [1, 2, 4, 8])
      assert.ok(
        free.some((ask) => ask.gpus === gpus),
        `seed ${seed}: ${gpus} GPUs`,
      );
  }
});

test("the market is varied", () => {
  const machines = generateMarket(1, NOW);
  const kinds = <T>(of: (machine: (typeof machines)[number]) => T) => new Set(machines.map(of)).size;
  assert.ok(kinds(({ gpu }) => gpu.name) >= 15);
  assert.equal(
    kinds(({ verification }) => verification),
    3,
  );
  assert.equal(
    kinds(({ vms }) => vms),
    2,
  );
  assert.equal(
    kinds(({ untidyAddress }) => untidyAddress),
    2,
  );
  assert.ok(kinds(({ place }) => place) > 6);
  assert.ok(machines.some(({ directPorts }) => directPorts === 0));
  assert.ok(machines.some(({ endAt }) => endAt < NOW + 3 * 86_400_000));
  assert.ok(machines.some(({ asks }) => asks.some(({ tenant }) => tenant !== undefined)));
});

test("slices lie within their machine; the small ones beside each other, the whole over all", () => {
  for (const { gpus, asks } of generateMarket(1, NOW)) {
    const [whole, ...parts] = asks;
    assert.ok(whole);
    assert.equal(whole.gpus, gpus);
    for (const part of parts) {
      assert.ok(part.firstGpu + part.gpus <= gpus);
      assert.ok(overlap(part, whole));
      for (const other of parts) assert.ok(other === part || !overlap(part, other));
    }
  }
});

test("a bid costs less than renting on demand, and both grow with the slice", () => {
  for (const { asks } of generateMarket(1, NOW))
    for (const ask of asks) {
      assert.ok(ask.baseFloor < ask.basePrice);
      const [whole] = asks;
      assert.ok(whole && (ask.gpus === whole.gpus || ask.basePrice < whole.basePrice));
    }
});
