import assert from "node:assert/strict";
import { test } from "node:test";
import { perHour, roundDown, roundUp } from "../../../components/lib/money.ts";

test("rounding does not stumble over binary fractions", () => {
  assert.equal(roundDown(1.15), 1.15);
  assert.equal(roundUp(1.15), 1.15);
  assert.equal(roundUp(1.1 + 2.2), 3.3);
  assert.equal(perHour(2.4149), "$2.415/h");
});
