import assert from "node:assert/strict";
import { test } from "node:test";
import { retryAfterSeconds } from "../../../components/lib/retry-after.ts";

const now = Date.UTC(2026, 8, 1, 12);

const cases: [header: string | undefined, seconds: number | undefined][] = [
  ["7", 7],
  [" 2.5 ", 2.5],
  ["0", 0],
  ["Tue, 01 Sep 2026 12:00:30 GMT", 30],
  ["Tuesday, 01-Sep-26 12:00:30 GMT", 30],
  ["Tue Sep  1 12:00:30 2026 GMT", 30],
  ["Tue, 01 Sep 2026 11:00:00 GMT", undefined],
  ["-5", undefined],
  ["1e9", undefined],
  ["soon", undefined],
  ["5 s", undefined],
  ["2026", 2026],
  ["", undefined],
  [undefined, undefined],
];

for (const [header, seconds] of cases)
  test(`Retry-After ${JSON.stringify(header)} is ${seconds} s`, () => {
    assert.equal(retryAfterSeconds(header, now), seconds);
  });
