import assert from "node:assert/strict";
import { test } from "node:test";
import { canonicalGpu, nearestGpu } from "../../../../components/vast/market/gpu-name.ts";

const spellings: [asked: string, name: string | undefined][] = [
  ["H100 SXM", "H100 SXM"],
  ["h100_sxm", "H100 SXM"],
  ["h100-sxm", "H100 SXM"],
  ["H100SXM", "H100 SXM"],
  [" h100  sxm ", "H100 SXM"],
  ["rtx_4090", "RTX 4090"],
  ["RTX 6000 Ada", "RTX 6000Ada"],
  ["a100 sxm4", "A100 SXM4"],
  ["H100", undefined],
  ["A100", undefined],
  ["", undefined],
];

for (const [asked, name] of spellings) {
  test(`"${asked}" is ${name ?? "no name"}`, () => assert.equal(canonicalGpu(asked), name));
}

test("the nearest name is one of the market's", () => {
  const market = ["H100 SXM", "RTX 4090", "A100 SXM4"];
  assert.equal(nearestGpu("H100 SXMM", market), "H100 SXM");
  assert.equal(nearestGpu("4090", market), "RTX 4090");
  assert.equal(nearestGpu("a100 sxm", market), "A100 SXM4");
  assert.equal(nearestGpu("x", []), undefined);
});
