import assert from "node:assert/strict";
import { test } from "node:test";
import { nonceOf, runLabel } from "../../../../components/vast/journal/label.ts";

const nonce = "0123456789";
const owner = "abcdefgh";

const labels: [parts: { project: string; stack: string; run: string }, label: string][] = [
  [{ project: "vast-training", stack: "dev", run: "run" }, "vt-abcdefgh-vast-training-dev-run-0123456789"],
  [{ project: "Vast Training!", stack: "ä", run: "Run_1" }, "vt-abcdefgh-vast-training-run-1-0123456789"],
  [{ project: "a".repeat(50), stack: "dev", run: "run" }, `vt-abcdefgh-${"a".repeat(29)}-dev-run-0123456789`],
  [
    { project: "p".repeat(50), stack: "s".repeat(50), run: "r".repeat(50) },
    `vt-abcdefgh-${"p".repeat(11)}-${"s".repeat(12)}-${"r".repeat(12)}-0123456789`,
  ],
  [{ project: "", stack: "", run: "" }, "vt-abcdefgh-0123456789"],
];

for (const [parts, label] of labels) {
  test(`the label of ${JSON.stringify(parts).slice(0, 60)}`, () => {
    assert.equal(runLabel({ owner, ...parts }, nonce), label);
  });
}

test("labels fit, are plain, and never meet", () => {
  const seen = new Set<string>();
  for (let length = 0; length < 60; length++) {
    const label = runLabel({ owner, project: "p".repeat(length), stack: `s-${"t".repeat(length)}`, run: "run.x" });
    assert.match(label, /^vt-abcdefgh-[a-z0-9-]+-[0-9a-f]{10}$/);
    assert.doesNotMatch(label, /--/);
    assert.ok(label.length <= 60, `${label.length}`);
    seen.add(runLabel({ owner, project: "p", stack: "s", run: "r" }));
  }
  assert.equal(seen.size, 60);
});

test("a label ends with the nonce of its run", () => {
  const parts = { owner: "abcdefgh", project: "a-b", stack: "dev", run: "run" };
  assert.equal(nonceOf(runLabel(parts, "0123456789")), "0123456789");
  assert.equal(nonceOf("bare"), "bare");
});
