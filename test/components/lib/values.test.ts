import assert from "node:assert/strict";
import { test } from "node:test";
import type { z } from "zod";
import { boolean, decimal, matching, oneOf, pick, whole } from "../../../components/lib/values.ts";

const kinds: [kind: z.ZodType, right: unknown[], wrong: unknown[], write: string][] = [
  [whole(8, 64, "GB"), [8, 64], [7, 65, 8.5, Number.NaN, "8", undefined], "a whole number of GB from 8 to 64"],
  [decimal(0, 1, "a fraction"), [0, 0.5, 1], [-0.1, 1.1, Number.NaN, "0", null], "a fraction from 0 to 1"],
  [oneOf("stop", "keep"), ["stop", "keep"], ["go", undefined], "stop or keep"],
  [boolean(), [true, false], ["true", undefined], "true or false"],
  [matching(/^a+$/, "letters a"), ["a", "aa"], ["", "b", 1, undefined], "letters a"],
];

test("whatever is wrong with a value, its error says what to write", () => {
  for (const [kind, right, wrong, write] of kinds) {
    for (const value of right) assert.equal(kind.safeParse(value).data, value);
    for (const value of wrong) {
      const texts = kind.safeParse(value).error?.issues.map(({ message }) => message) ?? [];
      assert.deepEqual([...new Set(texts)], [write], `${String(value)} for ${write}`);
    }
  }
});

test("of a larger whole only what is named is taken, and what is missing stays missing", () => {
  const whole: { a?: number; b: null; c: string } = { b: null, c: "3" };
  assert.deepEqual(pick(whole, ["a", "b"]), { b: null });
});
