import assert from "node:assert/strict";
import { test } from "node:test";
import { roundUp } from "../../../../components/lib/money.ts";
import { bidFor, diskPerHour } from "../../../../components/vast/market/price.ts";
import { offer } from "../../../support/rows.ts";

const bids: [name: string, minBid: number, markup: number, room: number, bid: number | undefined][] = [
  ["markup on top of the minimum", 1.5, 0.2, 3, 1.8],
  ["never above the room", 1.5, 0.2, 1.6, 1.6],
  ["exactly the room", 1.5, 0.2, 1.5, 1.5],
  ["does not fit", 1.5, 0.2, 1.4999, undefined],
  ["no markup", 1.23456789, 0, 3, 1.23456789],
  ["rounded down", 1.23456789, 0.1, 3, 1.358],
  ["room with many decimals", 1, 1, 1.23456, 1.2345],
  ["a minimum between the room's decimals", 1.23455, 1, 1.23456, 1.23455],
  ["Vast's smallest bid", 0, 0.2, 1, 0.001],
  ["no room for the smallest bid", 0, 0.2, 0.0005, undefined],
  ["Vast's largest bid", 120, 0.2, 500, 128],
  ["above the largest bid", 129, 0.2, 500, undefined],
  ["no room at all", 1, 0.2, -1, undefined],
  ["not a number", Number.NaN, 0.2, 3, undefined],
];

for (const [name, minBid, markup, room, bid] of bids) {
  test(`bid: ${name}`, () => assert.equal(bidFor(minBid, markup, room), bid));
}

test("a bid always wins and never breaks the cap, whatever the numbers", () => {
  let seed = 1;
  const random = () => {
    seed = (seed * 48271) % 2147483647;
    return seed / 2147483647;
  };
  for (let i = 0; i < 20_000; i++) {
    const minBid = random() * 4;
    const disk = roundUp(random() * 0.2);
    const cap = Math.round(random() * 4000) / 1000;
    const bid = bidFor(minBid, random(), cap - disk);
    if (bid === undefined) assert.ok(Math.max(minBid, 0.001) > cap - disk);
    else assert.ok(bid >= minBid && bid + disk <= cap + 1e-9, `${bid} + ${disk} <= ${cap}`);
  }
});

test("disk costs what Vast counts, or its list price when that is more", () => {
  assert.equal(diskPerHour(offer({ storage_total_cost: 0.0278, storage_cost: 0.2 }), 100), 0.0278);
  assert.equal(diskPerHour(offer({ storage_total_cost: 0.002, storage_cost: 0.2 }), 150), 0.0417);
  assert.equal(diskPerHour(offer({ storage_total_cost: null, storage_cost: 0.2 }), 720), 0.2);
  assert.equal(diskPerHour(offer({ storage_total_cost: null, storage_cost: null, dph_total: 1.6 }), 150), 0.1);
});
