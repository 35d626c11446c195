import assert from "node:assert/strict";
import { test } from "node:test";
import { type Pull, UNKNOWN_PULL } from "../../../../components/vast/ledger/pull.ts";
import { choose } from "../../../../components/vast/market/choice.ts";
import {
  onDemandHint,
  type PullTimes,
  patienceOf,
  pullMinutesOf,
  pullTimesOf,
  quoteLine,
  quoteOf,
  quoteShape,
} from "../../../../components/vast/market/quote.ts";
import { criteria, offer, quote } from "../../../support/rows.ts";

test("a pull's minutes follow size and speed, and are unknown when either is", () => {
  assert.equal(pullMinutesOf(15e9, 1000), 2);
  assert.equal(pullMinutesOf(15e9, 200), 10);
  assert.equal(pullMinutesOf(0, 200), 0);
  for (const [bytes, speed] of [
    [null, 200],
    [15e9, null],
    [15e9, 0],
  ] as const)
    assert.equal(pullMinutesOf(bytes, speed), null);
});

test("patience follows a large image, and is never shorter than configured", () => {
  assert.equal(patienceOf(30, null), 30);
  assert.equal(patienceOf(30, 2), 30);
  assert.equal(patienceOf(30, 10), 40);
});

test("a quote in one line", () => {
  assert.equal(
    quoteLine(quote),
    "1x H100 SXM in Texas, US, reliability 0.997: bid $1.800/h (on demand $2.500/h) and disk $0.042/h, $1.842/h in all",
  );
  assert.equal(
    quoteLine({
      ...quote,
      rental: "on-demand",
      bidPerHour: null,
      location: null,
      reliability: null,
      totalPerHour: 2.5417,
    }),
    "1x H100 SXM: on demand $2.500/h and disk $0.042/h, $2.542/h in all",
  );
});

test("where on demand costs hardly more than the bid, or less, it is said", () => {
  const hint = (onDemandTotal: number | null) => onDemandHint(quote, onDemandTotal);
  assert.equal(hint(null), undefined);
  assert.equal(hint(2.05), undefined, "a tenth more is worth a bid");
  assert.match(
    hint(2) ?? "",
    /costs \$2\.000\/h in all, 9 % more than this bid, .*: pulumi config set rental on-demand$/,
  );
  assert.match(hint(1.6) ?? "", /costs \$1\.600\/h in all, no more than this bid/);
  assert.equal(onDemandHint({ ...quote, bidPerHour: null }, 1), undefined);
});

test("the quote is what the choice promises", () => {
  const [choice] = choose([offer()], "H100 SXM", criteria);
  assert.ok(choice);
  assert.deepEqual(quoteOf({ ...choice, onDemandPerHour: 2.5 }), {
    gpu: "H100 SXM",
    gpus: 1,
    offerId: 28705911,
    machineId: 41907,
    location: "Texas, US",
    reliability: 0.9972,
    rental: "interruptible",
    bidPerHour: 1.8,
    minBidPerHour: 1.5,
    onDemandPerHour: 2.5,
    onDemandOf: null,
    onDemandAt: null,
    diskPerHour: 0.0278,
    totalPerHour: 1.8278,
    trafficPerGb: 0.003,
    pullMinutes: null,
    cachedPullMinutes: null,
    cachedPullOf: null,
  });
});

const machine = { machineId: 41907, downloadMbps: 500 };
const pull: Pull = { bytes: 15e9, besideBase: 0.9e9, onMachines: new Map([[7, 0.1e9]]) };
const lineOf = (times: PullTimes) => quoteLine({ ...quote, ...times }).replace(/^.* in all/, "");

test("a base that is named is said beside all that there is to pull, in minutes of this machine", () => {
  const times = pullTimesOf(machine, pull);
  assert.deepEqual(times, { pullMinutes: 4, cachedPullMinutes: 0.2, cachedPullOf: "base" });
  assert.equal(lineOf(times), ", image pull about 4 min, 12 s where the base is cached");
  assert.equal(lineOf(pullTimesOf(machine, { ...pull, besideBase: null })), ", image pull about 4 min");
  assert.equal(lineOf(pullTimesOf({ ...machine, downloadMbps: null }, pull)), "");
  assert.equal(lineOf(pullTimesOf(machine, UNKNOWN_PULL)), "");
  const much = pullTimesOf(machine, { ...pull, besideBase: 9e9 });
  assert.equal(lineOf(much), ", image pull about 4 min, 2 min where the base is cached");
  const all = pullTimesOf(machine, { ...pull, besideBase: 0 });
  assert.equal(lineOf(all), ", image pull about 4 min, 6 s where the base is cached");
});

test("of a machine that ran layers of it before only what is left is said, unless the base leaves less", () => {
  const known = pullTimesOf({ ...machine, machineId: 7 }, pull);
  assert.deepEqual(known, { pullMinutes: 4, cachedPullMinutes: 0, cachedPullOf: "machine" });
  assert.equal(lineOf(known), ", image pull about 6 s, the rest is there from an earlier run");
  const little = { ...pull, onMachines: new Map([[machine.machineId, 14e9]]) };
  assert.equal(pullTimesOf(machine, little).cachedPullOf, "base");
  const alone = { ...little, besideBase: null };
  assert.equal(lineOf(pullTimesOf(machine, alone)), ", image pull about 4 min, the rest is there from an earlier run");
});

test("however little is left to pull, a machine is waited for as if it had to pull all", () => {
  const { pullMinutes } = pullTimesOf({ machineId: 7, downloadMbps: 20 }, pull);
  assert.equal(pullMinutes, 100);
  assert.equal(patienceOf(30, pullMinutes), 310);
});

test("the quote of an earlier version says what it said", () => {
  const { cachedPullMinutes: _minutes, cachedPullOf: _of, ...earlier } = { ...quote, ...pullTimesOf(machine, pull) };
  assert.deepEqual(quoteShape.parse(earlier), earlier);
  assert.match(quoteLine(earlier), /, image pull about 4 min$/);
});
