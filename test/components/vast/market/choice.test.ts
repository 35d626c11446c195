import assert from "node:assert/strict";
import { test } from "node:test";
import { choose } from "../../../../components/vast/market/choice.ts";
import type { OfferCriteria } from "../../../../components/vast/market/criteria.ts";
import { criteria, offer } from "../../../support/rows.ts";

const onDemand: OfferCriteria = { ...criteria, rental: "on-demand" };

/** A row with its own id and machine. */

const unfit: [name: string, changes: Record<string, unknown>][] = [
  ["another GPU", { gpu_name: "H100 PCIE" }],
  ["more GPUs", { num_gpus: 2 }],
  ["not rentable", { rentable: false }],
  ["external", { external: true }],
  ["unverified", { verification: "unverified" }],
  ["no direct port", { direct_port_count: 0 }],
  ["unreliable", { reliability2: 0.94 }],
  ["of unknown reliability", { reliability2: null }],
  ["slow", { inet_down: 199 }],
  ["short", { duration: 86399 }],
  ["of unknown duration", { duration: null }],
  ["small", { disk_space: 99 }],
  ["dear", { min_bid: 3.48 }],
];

for (const [name, changes] of unfit) {
  test(`an offer that is ${name} does not fit, whatever Vast's search says`, () => {
    assert.equal(choose([offer()], "H100 SXM", criteria).length, 1);
    assert.deepEqual(choose([offer(changes)], "H100 SXM", criteria), []);
  });
}

test("a filter that asks for nothing excludes nothing", () => {
  const any = { ...criteria, verified: false, minReliability: 0, minDownloadMbps: 0, minDurationHours: 0 };
  const changes = { verification: null, reliability2: null, inet_down: null, duration: null };
  assert.equal(choose([offer(changes)], "H100 SXM", any).length, 1);
});

test("the cheapest is what we would really pay: bid after markup and disk", () => {
  const cheapGpu = offer({ id: 1, machine_id: 1, min_bid: 1.0, storage_total_cost: 0.9 });
  const cheapTotal = offer({ id: 2, machine_id: 2, min_bid: 1.2, storage_total_cost: 0.1 });
  const choices = choose([cheapGpu, cheapTotal], "H100 SXM", criteria);
  assert.deepEqual(
    choices.map(({ offerId, bidPerHour, totalPerHour }) => [offerId, bidPerHour, totalPerHour]),
    [
      [2, 1.44, 1.54],
      [1, 1.2, 2.1],
    ],
  );
});

test("of one machine only the cheapest offer is kept; ties go to the more reliable", () => {
  const choices = choose(
    [
      offer({ id: 1, machine_id: 1, min_bid: 2 }),
      offer({ id: 2, machine_id: 1, min_bid: 1 }),
      offer({ id: 3, machine_id: 3, min_bid: 1, reliability2: 0.999 }),
    ],
    "H100 SXM",
    criteria,
  );
  assert.deepEqual(
    choices.map(({ offerId }) => offerId),
    [3, 2],
  );
});

test("an on-demand choice has no bid", () => {
  const [choice] = choose([offer({ dph_base: 2.4, min_bid: 1.5 })], "H100 SXM", onDemand);
  assert.equal(choice?.bidPerHour, null);
  assert.equal(choice?.onDemandPerHour, 2.4);
  assert.equal(choice?.totalPerHour, 2.4278);
});
