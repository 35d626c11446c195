import assert from "node:assert/strict";
import { test } from "node:test";
import { type Progress, progressIn } from "../../../components/remote/progress.ts";

const TABLE: readonly (readonly [trainer: string, lines: readonly string[], expected: Progress])[] = [
  ["tqdm", [" 62%|██████▏   | 620/1000 [04:10<02:33,  2.48it/s]"], { step: 620, of: 1000, stepsPerSecond: 2.48 }],
  [
    "tqdm, slower than a step a second",
    ["1%| | 5/1000 [00:10<33:10, 2.00s/it]"],
    { step: 5, of: 1000, stepsPerSecond: 0.5 },
  ],
  ["tqdm, before its first step", ["  0%|          | 0/1000 [00:00<?, ?it/s]"], { step: 0, of: 1000 }],
  [
    "transformers",
    [
      " 12%|█▏        | 120/1000 [01:00<07:20,  2.00it/s]",
      "{'loss': 0.5132, 'grad_norm': 1.2, 'learning_rate': 4.4e-05, 'epoch': 0.36}",
    ],
    { step: 120, of: 1000, stepsPerSecond: 2, loss: 0.5132, epoch: 0.36 },
  ],
  [
    "Lightning",
    ["Epoch 3:  45%|████▌     | 45/100 [00:10<00:12,  4.35it/s, v_num=0, train_loss=0.301]"],
    { step: 45, of: 100, stepsPerSecond: 4.35, epoch: 3, loss: 0.301 },
  ],
  [
    "Lightning with rich",
    ["Epoch 3/9 ━━━━━━━━━━━━━━ 45/100 0:00:10 • 0:00:12 4.35it/s v_num: 0.000 train_loss: 0.301"],
    { step: 45, of: 100, stepsPerSecond: 4.35, epoch: 3, loss: 0.301 },
  ],
  [
    "nanoGPT",
    ["step 500: train loss 2.5, val loss 2.6", "iter 620: loss 2.3456, time 125.00ms, mfu 30.12%"],
    { step: 620, stepsPerSecond: 8, loss: 2.3456 },
  ],
  [
    "torchtune",
    ["1|620|Loss: 1.234:  62%|██████▏   | 620/1000 [04:10<02:33,  2.48it/s]"],
    { step: 620, of: 1000, stepsPerSecond: 2.48, epoch: 1, loss: 1.234 },
  ],
  [
    "torchtitan",
    ["[rank0]:[titan] step: 10  loss:  7.1234  memory: 40.1GiB(50%)  tps: 3,000"],
    { step: 10, loss: 7.1234 },
  ],
  ["a plain step", ["step 620 loss 1.5e-1"], { step: 620, loss: 0.15 }],
  ["a plain step of many", ["[12:01] Step 620/1000"], { step: 620, of: 1000 }],
  ["JSON", ['{"step": 620, "loss": 0.25}'], { step: 620, loss: 0.25 }],
  ["the newest line counts", ["step 1 loss 9", "step 2 loss 8", "saved step_2"], { step: 2, loss: 8 }],
  ["nothing that is known", ["loading data", "lossless codec of 7 files", "in 3 steps we begin", "footstep 4"], {}],
];

for (const [trainer, lines, expected] of TABLE)
  test(`how far training is, by its log: ${trainer}`, () => assert.deepEqual(progressIn(lines), expected));
