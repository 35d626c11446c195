import assert from "node:assert/strict";
import { test } from "node:test";
import { billTable, lossesIn } from "../../../scripts/quickstart/evidence.ts";

test("losses are read from lines that tell one, and from no others", () => {
  const lines = [
    "branch jan: learning rate 0.01",
    "step 1 loss 3.768 seconds 0.117",
    "glosses 4",
    "epoch 2 loss=2.5",
    "saved",
  ];
  assert.deepEqual(lossesIn(lines), [3.768, 2.5]);
});

test("the bill names each machine, what it cost, and what still runs", () => {
  const contract = {
    id: 7,
    label: null,
    machineId: 1,
    gpuName: "H100 SXM",
    gpus: 1,
    isBid: true,
    state: "gone",
    destroyedAt: 1,
  };
  const cost = { gpu: 0.007, disk: 0.0003, total: 0.0073 };
  assert.deepEqual(billTable({ contracts: [{ ...contract, cost }], total: 0.0073, living: 0, ratePerHour: 0 }), [
    "instance 7  1x H100 SXM, interruptible  $0.0073  gone",
    "total $0.0073; running now: 0; per hour now: $0.0000",
  ]);
});
