import assert from "node:assert/strict";
import { test } from "node:test";
import type { Happening, Line, SeenPrice } from "../../../../components/vast/ledger/line.ts";
import {
  apart,
  knownText,
  leastBadFirst,
  leastBadText,
  passedText,
  standingsOf,
} from "../../../../components/vast/ledger/standing.ts";

const NOW = Date.UTC(2026, 4, 20);
const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const digest = `sha256:${"0".repeat(64)}`;

function line(
  machineId: number,
  ago: number,
  happening: Happening,
  more: { gpus?: number; onDemand?: SeenPrice } = {},
) {
  return { at: NOW - ago, api: "00000000", machineId, gpus: 1, ...more, ...happening } as Line;
}
const failed = (machineId: number, ago: number, words = "no ssh", gpus = 1) =>
  line(machineId, ago, { what: "fault", words }, { gpus });

const offers = [1, 2, 3].map((machineId) => ({ machineId, gpus: 1 }));
const sorted = (...lines: Line[]) => {
  const { open, passed } = apart(offers, standingsOf(lines, NOW));
  return [open.map(({ machineId }) => machineId), passed.map(({ offer }) => offer.machineId)];
};

test("lines become one standing for each slice of a machine, in whatever order they were read", () => {
  const lines = [
    line(1, 9 * DAY, { what: "ready", bootSeconds: 300, pullMbps: 800, pulled: digest }),
    line(1, 8 * DAY, { what: "served", hours: 20.5, pulled: digest }),
    line(1, 7 * DAY, { what: "outbid" }, { onDemand: { perHour: 2, at: NOW - 7 * DAY } }),
    line(1, 2 * DAY, { what: "ready", bootSeconds: 90 }, { onDemand: { perHour: 3, at: NOW - 8 * DAY } }),
    line(1, DAY, { what: "served", hours: 20.5 }),
    failed(1, 3 * HOUR),
    failed(1, 2 * HOUR, "no GPU", 4),
  ];
  const { all } = standingsOf(lines, NOW);
  assert.deepEqual(
    all.map(({ gpus }) => gpus),
    [1, 4],
  );
  const [one] = all;
  assert.deepEqual(one, {
    machineId: 1,
    gpus: 1,
    faults: [{ at: NOW - 3 * HOUR, words: "no ssh" }],
    bootSeconds: 90,
    pullMbps: 800,
    pulled: [9, 8].map((days) => ({ digest, at: NOW - days * DAY })),
    outbids: 1,
    served: 2,
    hours: 41,
    onDemand: { perHour: 2, at: NOW - 7 * DAY },
  });
  const other = standingsOf(lines.toReversed(), NOW).all;
  assert.deepEqual(
    other.toSorted((a, b) => a.gpus - b.gpus),
    all,
  );
  assert.deepEqual(standingsOf([], NOW).all, []);
});

test("a machine that failed is passed over for a week, with however many of its GPUs it did, and no longer", () => {
  assert.deepEqual(sorted(), [[1, 2, 3], []]);
  assert.deepEqual(sorted(failed(2, 7 * DAY - 1)), [[1, 3], [2]]);
  assert.deepEqual(sorted(failed(2, 7 * DAY)), [[1, 2, 3], []]);
  assert.deepEqual(sorted(failed(2, DAY, "no GPU", 8)), [[1, 3], [2]]);
  // A colleague's clock may be ahead by minutes.
  assert.deepEqual(sorted(failed(2, -60_000)), [[1, 3], [2]]);
});

test("nothing but a fault counts against a machine", () => {
  const lines = [
    line(1, DAY, { what: "outbid" }),
    line(2, DAY, { what: "served", hours: 0 }),
    line(3, DAY, { what: "ready", bootSeconds: 5000 }),
  ];
  assert.deepEqual(sorted(...lines), [[1, 2, 3], []]);
});

test("when all have failed the least bad is the one with the fewest faults, then the one that failed longest ago", () => {
  const lines = [failed(1, 6 * DAY), failed(1, 5 * DAY), failed(2, DAY), failed(3, 2 * DAY), failed(2, 9 * DAY)];
  const { open, passed } = apart(offers, standingsOf(lines, NOW));
  assert.deepEqual(open, []);
  assert.deepEqual(
    leastBadFirst(passed).map(({ offer }) => offer.machineId),
    [3, 2, 1],
  );
});

test("who is passed over is told, three by name", () => {
  const lines = [failed(1, 2 * DAY), failed(1, 3 * DAY, "late"), failed(2, 90_000, "no GPU"), failed(3, HOUR)];
  const { passed } = apart([...offers, { machineId: 3, gpus: 2 }], standingsOf(lines, NOW));
  assert.equal(
    passedText(passed, NOW),
    "passed over for a week: machine 1: failed 2 times, the last one 2 d 0 h ago (no ssh); machine 2: failed 1 min ago (no GPU); machine 3: failed 1 h 0 min ago (no ssh); and 1 more",
  );
  assert.equal(passedText([], NOW), "");
  const [least] = leastBadFirst(passed);
  assert.match(
    least ? leastBadText(least, NOW) : "",
    /the least bad of them is offered: machine 3: failed 1 h 0 min ago/,
  );
});

test("what is known of a machine is one line, each fact where there is one", () => {
  const serving = Array.from({ length: 3 }, (_, day) => line(1, (day + 1) * DAY, { what: "served", hours: 13.6 }));
  const lines = [
    ...serving,
    line(1, 4 * DAY, { what: "ready", bootSeconds: 90.4, pullMbps: 811.6 }),
    line(1, DAY, { what: "outbid" }, { onDemand: { perHour: 2.13, at: NOW - DAY } }),
    failed(2, 9 * DAY, "late"),
    line(2, 9 * DAY, { what: "outbid" }, { gpus: 8 }),
  ];
  const known = standingsOf(lines, NOW);
  assert.equal(
    knownText({ machineId: 1, gpus: 1 }, known),
    "machine 1: served 3 times, 41 h; boots in 90 s; pulls at 812 Mbit/s; outbid once; on demand $2.130/h on 2026-05-19",
  );
  assert.equal(knownText({ machineId: 2, gpus: 1 }, known), "machine 2: failed once, last 9 d 0 h ago (late)");
  assert.equal(knownText({ machineId: 3, gpus: 1 }, known), "");
});
