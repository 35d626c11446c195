import assert from "node:assert/strict";
import { test } from "node:test";
import { seeded } from "../../../simulator/base/random.ts";
import { secondsOf, timingsFor } from "../../../simulator/base/timings.ts";

test("the quick profile unless a factor is given; changes last", () => {
  const quick = timingsFor(undefined);
  assert.equal(quick.load, 2);
  assert.equal(quick.pull, 0);
  const real = timingsFor(1);
  assert.deepEqual(real.load, [20, 60]);
  assert.deepEqual(timingsFor(0.1).destroy, [0.1, 1]);
  assert.equal(timingsFor(0.1).pull, 0.1);
  assert.equal(timingsFor(1, { load: 7 }).load, 7);
});

test("a range gives each case its own seconds, within it", () => {
  const random = seeded(1);
  const cases = Array.from({ length: 50 }, () => secondsOf([5, 30], random));
  assert.ok(cases.every((seconds) => seconds >= 5 && seconds < 30));
  assert.ok(new Set(cases).size > 40);
  assert.equal(secondsOf(3, random), 3);
});
