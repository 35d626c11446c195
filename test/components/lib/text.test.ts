import assert from "node:assert/strict";
import { test } from "node:test";
import { durationText, oneLine, printable, printableLines, sizeText } from "../../../components/lib/text.ts";

test("what a stranger says is one line that does nothing to a terminal", () => {
  const odd: [text: string, shown: string][] = [
    ["plain", "plain"],
    ["  two\n lines\t", "two lines"],
    ["\u001b[31mred\u001b[0m", "red"],
    ["a\u0007b\u0000c", "a b c"],
    ["left \u202eright", "left right"],
    ["a\u2028b", "a b"],
  ];
  for (const [text, shown] of odd) assert.equal(printable(text), shown);
  assert.equal(printable("x".repeat(20), 10), `${"x".repeat(9)}…`);
  assert.equal(oneLine(" a\u0007b ".repeat(9), 4), "a b…");
  assert.equal(printableLines("one\r\n\u001b[2Jtwo  \nthree"), "one\ntwo\nthree");
});

test("a time is told in the units that fit", () => {
  const times = [0, 59.9, 60, 3599, 3600, 47.9 * 3600, 51 * 3600].map(durationText);
  assert.deepEqual(times, ["0 s", "59 s", "1 min", "59 min", "1 h 0 min", "47 h 54 min", "2 d 3 h"]);
});

test("a size is told in the unit that fits", () => {
  const sizes = [0, 999, 1000, 1_234_567, 15e9, 2e15].map(sizeText);
  assert.deepEqual(sizes, ["0 bytes", "999 bytes", "1.0 kB", "1.2 MB", "15.0 GB", "2000.0 TB"]);
});
