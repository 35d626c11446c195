import assert from "node:assert/strict";
import { test } from "node:test";
import { choose } from "../../../../components/vast/market/choice.ts";
import { patienceOf, pullMinutesOf, quoteLine, quoteOf } from "../../../../components/vast/market/quote.ts";
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
    onDemandPerHour: 2.5,
    diskPerHour: 0.0278,
    totalPerHour: 1.8278,
    trafficPerGb: 0.003,
    pullMinutes: null,
  });
});
