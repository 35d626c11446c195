import assert from "node:assert/strict";
import { test } from "node:test";
import { resetAt } from "../../../../components/vast/limits/reset.ts";

const now = Date.UTC(2026, 8, 1, 21, 30);
const midnight = Date.UTC(2026, 8, 2);
const soon = now + 90_000;

const cases: [header: string | undefined, at: number][] = [
  [String(soon / 1000), soon],
  [` ${soon / 1000} `, soon],
  [`${soon / 1000}.5`, soon + 500],
  [String(soon), soon],
  [new Date(soon).toUTCString(), soon],
  [new Date(soon).toUTCString().replace("GMT", "UTC"), soon],
  [new Date(soon).toISOString(), soon],
  ["2026-09-01T23:31:30+02:00", soon],
  [String(midnight / 1000), midnight],
  // A day ahead to the second, and a second more.
  [String(now / 1000 + 86_400), now + 86_400_000],
  [String(now / 1000 + 86_401), midnight],
  ["9999999999", midnight],
  ["2037-01-01T00:00:00Z", midnight],
  // Over, or seconds from now.
  [String(now / 1000), midnight],
  [new Date(now - 1000).toUTCString(), midnight],
  ["9000", midnight],
  ["0", midnight],
  ["-1", midnight],
  // In no zone, or no time at all.
  ["2026-09-01T21:31:30", midnight],
  ["2026-09-01", midnight],
  ["1e12", midnight],
  ["NaN", midnight],
  ["tomorrow", midnight],
  ["", midnight],
  [undefined, midnight],
];

for (const [header, at] of cases)
  test(`X-RateLimit-Reset ${JSON.stringify(header)} is ${new Date(at).toISOString()}`, () => {
    assert.equal(resetAt(header, now), at);
  });

test("at midnight itself it is the next one", () => {
  assert.equal(resetAt(undefined, midnight), midnight + 86_400_000);
});
