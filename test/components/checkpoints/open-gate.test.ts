import assert from "node:assert/strict";
import { test } from "node:test";
import { askedBudget } from "../../../components/checkpoints/open-gate.ts";

test("another budget comes by the environment", () => {
  assert.equal(askedBudget({}), undefined);
  assert.equal(askedBudget({ VAST_RESCUE_BUDGET: "$2.50" }), 2.5);
  assert.throws(() => askedBudget({ VAST_RESCUE_BUDGET: "much" }), /VAST_RESCUE_BUDGET should be dollars/);
});
