import assert from "node:assert/strict";
import { test } from "node:test";
import { median, ratio, written } from "../../bench/figures.ts";
import { type Line, table } from "../../bench/table.ts";

test("the median is in the middle, whatever the order", () => {
  assert.equal(median([30, 10, 20]), 20);
  assert.equal(median([4, 1, 3, 2]), 3);
  assert.ok(Number.isNaN(median([])));
});

test("a figure is its median, with least and most where they differ", () => {
  assert.equal(written([2.5, 11, 3], "s"), "3.00 s (2.50 s to 11.0 s)");
  assert.equal(written([2e6, 2e6], "MB"), "2 MB");
  assert.equal(written([15], "calls"), "15");
  assert.equal(written([0.00123], "$"), "$0.0012");
  assert.equal(written([], "s"), "");
});

test("a ratio is of medians; without another's figures there is none", () => {
  assert.equal(ratio([1, 9, 3], [2, 2, 2]), "1.50 x");
  assert.equal(ratio([1], []), "");
});

test("the table says what it was measured on and against, and where, when and how", () => {
  const on = { row: "preview", what: "time | of all", on: "quick", unit: "s" } as const;
  const lines: Line[] = [
    { ...on, ours: [3, 5, 4], against: "a search", theirs: [2, 2, 1] },
    { ...on, ours: [], note: "theirs: never" },
  ];
  const where = { machine: "2 x EPYC", date: "2026-01-02", commit: "abc1234", command: "npm run bench", rounds: 3 };
  assert.equal(
    table(lines, where),
    `2 x EPYC, 2026-01-02, commit abc1234, \`npm run bench\`; medians of 3, least and most in brackets.

| row | what | measured on | ours | against | theirs | ours / theirs |
| --- | --- | --- | --- | --- | --- | --- |
| \`preview\` | time \\| of all | quick | 4.00 s (3.00 s to 5.00 s) | a search | 2.00 s (1.00 s to 2.00 s) | 2.00 x |
| \`preview\` | time \\| of all | quick | theirs: never |  |  |  |
`,
  );
});
