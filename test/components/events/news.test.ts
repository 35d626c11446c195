import assert from "node:assert/strict";
import { test } from "node:test";
import { factsOfInstance, factsOfOffer } from "../../../components/events/news.ts";
import { instanceFromWire } from "../../../components/vast/client/wire.ts";

test("an offer tells its GPUs, and the price of GPUs and disk apart", () => {
  const offer = { gpu: "H100 SXM", gpus: 2, machineId: 5, diskPerHour: 0.25, totalPerHour: 2.25 };
  assert.deepEqual(factsOfOffer({ ...offer, onDemandPerHour: null, trafficPerGb: 0.02 }), {
    machineId: 5,
    gpu: "2x H100 SXM",
    gpuPerHour: 2,
    diskPerHour: 0.25,
    trafficPerGb: 0.02,
  });
});

test("of an instance only what Vast says is told", () => {
  const row = instanceFromWire({ id: 7, gpu_name: "H100 SXM", num_gpus: 1, dph_base: 2 });
  assert.ok(row);
  assert.deepEqual(factsOfInstance(row), { instance: 7, gpu: "1x H100 SXM", gpuPerHour: 2 });
});
