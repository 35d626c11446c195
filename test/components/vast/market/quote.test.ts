import assert from "node:assert/strict";
import { test } from "node:test";
import { patienceOf, pullMinutesOf } from "../../../../components/vast/market/quote.ts";

test("a pull's minutes follow size and speed, and are unknown when either is", () => {
  assert.equal(pullMinutesOf(15e9, 1000), 2);
  assert.equal(pullMinutesOf(15e9, 200), 10);
  assert.equal(pullMinutesOf(0, 200), 0);
  for (const [bytes, speed] of [
    [null, 200],
    [15e9, null],
    [15e9, 0],
  ] as const)
    assert.equal(pullMinutesOf(bytes, speed), null);
});

test("patience follows a large image, and is never shorter than configured", () => {
  assert.equal(patienceOf(30, null), 30);
  assert.equal(patienceOf(30, 2), 30);
  assert.equal(patienceOf(30, 10), 40);
});
