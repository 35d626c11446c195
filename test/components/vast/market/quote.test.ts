import assert from "node:assert/strict";
import { test } from "node:test";
import { choose } from "../../../../components/vast/market/choice.ts";
import {
  onDemandHint,
  patienceOf,
  pullMinutesOf,
  quoteLine,
  quoteOf,
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
  });
});
