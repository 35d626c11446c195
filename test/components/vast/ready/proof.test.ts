import assert from "node:assert/strict";
import { test } from "node:test";
import { flawOf, type Wanted } from "../../../../components/vast/ready/proof.ts";
import { instance } from "../../../support/rows.ts";

const wanted: Wanted = { gpu: "H100 SXM", gpus: 1, interruptible: true, maxPricePerHour: 1.8417, diskGb: 150 };

test("what was wanted is not found fault with", () => {
  assert.equal(flawOf(instance(), wanted, true), undefined);
  assert.equal(flawOf(instance({ disk_space: 148 }), wanted, true), undefined);
  assert.equal(flawOf(instance({ gpu_name: "H100" }), { ...wanted, gpu: null }, true), undefined);
  const silent = { is_bid: null, dph_total: null, num_gpus: null, gpu_name: null, disk_space: null };
  assert.equal(flawOf(instance(silent), wanted, false), undefined);
});

const flaws: [row: Record<string, unknown>, cause: "terms" | "host", text: RegExp][] = [
  [{ is_bid: false }, "terms", /it is on demand, and interruptible was asked for/],
  [{ is_bid: null }, "terms", /of unknown kind/],
  [{ dph_total: 1.9 }, "terms", /it costs \$1\.900\/h, and \$1\.842\/h is the most to pay/],
  [{ dph_total: null }, "terms", /an unknown price/],
  [{ num_gpus: 2 }, "host", /2 GPUs, not 1/],
  [{ gpu_name: "A100 SXM4" }, "host", /A100 SXM4, not H100 SXM/],
  [{ disk_space: 100 }, "host", /100 GB of disk, not 150/],
];

for (const [row, cause, text] of flaws) {
  test(`found: ${JSON.stringify(row)}`, () => {
    const flaw = flawOf(instance(row), wanted, true);
    assert.equal(flaw?.cause, cause);
    assert.match(flaw?.text ?? "", text);
  });
}
