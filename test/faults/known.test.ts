import assert from "node:assert/strict";
import { test } from "node:test";
import { whatHappens } from "./document.ts";
import { KNOWN, TRIED_ELSEWHERE } from "./known.ts";
import { RENTAL_ROWS } from "./rental-rows.ts";
import { RUN_ROWS } from "./run-rows.ts";

test("every fault that is known is tried", () => {
  const tried = new Set([...RENTAL_ROWS, ...RUN_ROWS].flatMap(({ knobs }) => knobs));
  const missing = KNOWN.filter((name) => !tried.has(name) && TRIED_ELSEWHERE[name] === undefined);
  assert.deepEqual(missing, []);
  assert.deepEqual(
    [...tried].filter((name) => !KNOWN.includes(name)),
    [],
  );
});

test("the document tells of what is tried, in the same order, and of nothing else", () => {
  assert.deepEqual(
    whatHappens(),
    [...RENTAL_ROWS, ...RUN_ROWS].map(({ what }) => what),
  );
});
