import assert from "node:assert/strict";
import { test } from "node:test";
import { joined } from "../../../../components/vast/instance/bid.provider.ts";
import { priceAfter } from "../../../../components/vast/instance/bid.ts";

test("bids that follow each other without a refresh lead from the recorded price to the last one", () => {
  const [first, second] = [
    { from: 1, to: 1.25 },
    { from: 1.25, to: 1.5 },
  ];
  assert.equal(priceAfter(1, joined(first, second)), 1.5);
  assert.equal(priceAfter(1, joined(first, null)), 1.25, "a bid that stays");
  assert.equal(priceAfter(1.25, joined(first, second)), 1.25, "recorded by a refresh in between");
  assert.equal(priceAfter(1, joined(undefined, second)), 1);
  assert.equal(joined(null, null), null);
});
