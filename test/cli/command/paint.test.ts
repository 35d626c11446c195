import assert from "node:assert/strict";
import { test } from "node:test";
import { painter } from "../../../cli/command/paint.ts";

/** The lines of a terminal that knows the few sequences which are used. */
function screenOf(text: string): string[] {
  const lines: string[] = [];
  let row = 0;
  for (const piece of text.split("\x1b[").slice(1)) {
    const [, sequence = "", rest = ""] = /^(\?7[lh]|\d+A|[KJ])\r?(.*)$/s.exec(piece) ?? [];
    if (sequence.endsWith("A")) row -= Number.parseInt(sequence, 10);
    if (sequence === "J") lines.length = row;
    for (const [at, part] of rest.split("\n").entries()) {
      if (at > 0) row += 1;
      if (part !== "") lines[row] = part;
    }
  }
  return lines;
}

test("lines are painted over those of before, fewer and more, each time in one write", () => {
  const written: string[] = [];
  const paint = painter({ write: (text) => written.push(text), rows: 24 });
  for (const lines of [["one", "two", "three"], ["1"], ["a", "b"], ["a", "b"]]) paint(lines);
  assert.equal(written.length, 3);
  assert.deepEqual(screenOf(written.join("")), ["a", "b"]);
});

test("what does not fit below is left out: what has left the screen cannot be painted over", () => {
  const written: string[] = [];
  const paint = painter({ write: (text) => written.push(text), rows: 3 });
  for (const word of ["x", "y"]) paint([1, 2, 3, 4].map((number) => `${word}${number}`));
  assert.deepEqual(screenOf(written.join("")), ["y1", "y2"]);
});
