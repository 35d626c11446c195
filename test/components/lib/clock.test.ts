import assert from "node:assert/strict";
import { test } from "node:test";
import { momentOf, since } from "../../../components/lib/clock.ts";

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
