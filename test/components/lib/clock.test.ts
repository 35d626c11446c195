import assert from "node:assert/strict";
import { test } from "node:test";
import { momentOf, retryAfterSeconds, since, within } from "../../../components/lib/clock.ts";

const HOUR = 3_600_000;
const clock = (at: number, id?: string, uptime = 0) => ({
  now: () => at,
  boot: () => (id === undefined ? undefined : { id, uptime }),
});

test("time since then is told by the same start of the machine, whatever the wall clock was set to", () => {
  const then = momentOf(clock(10 * HOUR, "boot", 5000));
  for (const wall of [8 * HOUR, 10 * HOUR, 12 * HOUR]) assert.equal(since(then, clock(wall, "boot", 9000)), 4000);
});

test("across starts and machines the wall clock tells, and nothing was in the future", () => {
  const then = momentOf(clock(10 * HOUR, "boot", 5000));
  for (const [later, passed] of [
    [clock(10 * HOUR + 7000, "another", 1), 7000],
    [clock(10 * HOUR + 7000), 7000],
    [clock(8 * HOUR, "another", 9000), 0],
  ] as const)
    assert.equal(since(then, later), passed);
  assert.equal(since(momentOf(clock(10 * HOUR)), clock(10 * HOUR + 7000, "boot", 1)), 7000, "an earlier version's");
});

const noon = Date.UTC(2026, 8, 1, 12);

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
    assert.equal(retryAfterSeconds(header, noon), seconds);
  });

test("an action has so long and no longer, and is told when its time is over", async () => {
  assert.equal(await within(60_000, async () => "done"), "done");
  let told = false;
  const late = await within(20, (signal) => {
    signal.addEventListener("abort", () => {
      told = true;
    });
    return new Promise(() => {});
  });
  assert.deepEqual([late, told], [undefined, true]);
  await assert.rejects(
    within(60_000, async () => {
      throw new Error("its own");
    }),
    /its own/,
  );
});
