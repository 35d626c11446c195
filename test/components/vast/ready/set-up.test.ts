import assert from "node:assert/strict";
import { test } from "node:test";
import { gpuFlawOf } from "../../../../components/vast/ready/proof.ts";
import { reportIn } from "../../../../components/vast/ready/set-up.ts";

const LIST = "GPU 0: NVIDIA H100 80GB HBM3 (UUID: GPU-1)\nGPU 1: NVIDIA H100 80GB HBM3 (UUID: GPU-2)";
const LOST = "Unable to determine the device handle for GPU 0000:01:00.0: GPU is lost.";

test("the report of a machine is found behind whatever greets a session", () => {
  const greeting = "Welcome to vast.ai\nvast-training-gpus are fine\nlogin-1\n";
  assert.deepEqual(reportIn(`${greeting}\nvast-training-gpus 2\n${LIST}\n`), { gpus: 2, said: LIST });
  assert.deepEqual(reportIn(`\nvast-training-gpus 0\n${LOST}\n`), { gpus: 0, said: LOST });
  assert.equal(reportIn(greeting), undefined);
});

test("fewer GPUs than were rented are a flaw of the host; more are not", () => {
  assert.equal(gpuFlawOf({ gpus: 2, said: LIST }, { gpus: 2 }), undefined);
  assert.equal(gpuFlawOf({ gpus: 8, said: "" }, { gpus: 2 }), undefined);
  assert.deepEqual(gpuFlawOf({ gpus: 0, said: LOST }, { gpus: 1 }), {
    cause: "host",
    text: `nvidia-smi finds 0 of its 1 GPUs: ${LOST}`,
  });
});
