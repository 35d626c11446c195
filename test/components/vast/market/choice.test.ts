import assert from "node:assert/strict";
import { test } from "node:test";
import { type Pull, UNKNOWN_PULL } from "../../../../components/vast/ledger/pull.ts";
import { byCost, choose } from "../../../../components/vast/market/choice.ts";
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

/** Machines 1 to 3, each a thousandth of a dollar an hour dearer, with this traffic. */
const three = (traffic: number) =>
  choose(
    [1, 2, 3].map((id) =>
      offer({ id, machine_id: id, dph_base: 2 + id / 1000, inet_down_cost: traffic, inet_up_cost: 0 }),
    ),
    "H100 SXM",
    onDemand,
  );
const inOrder = (traffic: number, changes: Partial<Pull>, hours = 24) => {
  const pull = { ...UNKNOWN_PULL, bytes: 15e9, ...changes };
  const all = byCost(three(traffic), pull, { ...onDemand, minDurationHours: hours });
  return all.map(({ machineId }) => machineId);
};

test("a machine that is known to have the image goes first where that saves more than its price is higher", () => {
  const onMachines = new Map([[2, 0]]);
  assert.deepEqual(inOrder(0.01, { onMachines }), [2, 1, 3], "15 cents over 24 h, for 0.1 cents an hour");
  assert.deepEqual(inOrder(0.001, { onMachines }), [1, 2, 3], "1.5 cents");
  assert.deepEqual(inOrder(0.001, { onMachines }, 1), [2, 1, 3], "over one hour");
  assert.deepEqual(inOrder(0.001, { onMachines }, 0), [2, 1, 3]);
  assert.deepEqual(inOrder(0.01, { onMachines: new Map([[2, 13e9]]) }), [1, 2, 3], "most of it is to be pulled");
  assert.deepEqual(inOrder(0.01, { onMachines, bytes: null }), [1, 2, 3]);
});

test("at one price the machine that has the image goes first, and minutes of a pull cost the disk alone", () => {
  const equal = choose(
    [1, 2].map((id) => offer({ id, machine_id: id, inet_down_cost: 0, inet_up_cost: 0 })),
    "H100 SXM",
    criteria,
  );
  const first = (changes: Partial<Pull>) => byCost(equal, { ...UNKNOWN_PULL, bytes: 15e9, ...changes }, criteria)[0];
  assert.equal(first({})?.machineId, 1);
  assert.equal(first({ onMachines: new Map([[2, 0]]) })?.machineId, 2);
  assert.deepEqual(inOrder(0, { onMachines: new Map([[2, 0]]) }, 1), [1, 2, 3]);
});

test("a base that hosts may have changes no order", () => {
  for (const besideBase of [null, 0, 14e9]) assert.deepEqual(inOrder(0.01, { besideBase }, 1), [1, 2, 3]);
});
