import assert from "node:assert/strict";
import { test } from "node:test";
import { bidFor, diskPerHour, isEcho } from "../../../../components/vast/market/price.ts";
import { offer } from "../../../support/rows.ts";

type Wish = [minBid: number, markup: number, room: number, onDemand?: number, markupFrom?: number];

const bids: [name: string, wish: Wish, bid: number | undefined][] = [
  ["markup on top of the minimum", [1.5, 0.2, 3], 1.8],
  ["never above the room", [1.5, 0.2, 1.6], 1.6],
  ["exactly the room", [1.5, 0.2, 1.5], 1.5],
  ["does not fit", [1.5, 0.2, 1.4999], undefined],
  ["no markup: four decimals all the same, and it wins", [1.23456789, 0, 3], 1.2346],
  ["rounded down", [1.23456789, 0.1, 3], 1.358],
  ["room with many decimals", [1, 1, 1.23456], 1.2345],
  ["a minimum between the room's decimals", [1.23455, 1, 1.23456], undefined],
  ["Vast's smallest bid", [0, 0.2, 1], 0.001],
  ["no room for the smallest bid", [0, 0.2, 0.0005], undefined],
  ["Vast's largest bid", [120, 0.2, 500], 128],
  ["above the largest bid", [129, 0.2, 500], undefined],
  ["no room at all", [1, 0.2, -1], undefined],
  ["not a number", [Number.NaN, 0.2, 3], undefined],
  ["a markup that overshoots the on-demand price", [2.13, 0.2, 3.4, 2.2], 2.1999],
  ["on demand with many decimals: below it in every rounding", [2.13, 0.2, 3.4, 2.20004], 2.1999],
  ["the cap before the on-demand price", [1.5, 0.2, 1.7, 1.75], 1.7],
  ["on demand far above", [1.5, 0.2, 3, 2.5], 1.8],
  ["on demand equal to the minimum", [2.13, 0.2, 3.4, 2.13], undefined],
  ["equal in four decimals", [2.13001, 0.2, 3.4, 2.1301], undefined],
  ["a hair of room", [2.13, 0.2, 3.4, 2.1301], 2.13],
  ["on demand below the minimum", [2.13, 0.2, 3.4, 1.9], undefined],
  ["cap below the minimum, on demand below the cap", [2.5, 0.2, 2.3, 2.2], undefined],
  ["a minimum that echoes our own bid: the markup of its floor", [1.8, 0.2, 3, 2.5, 1.5], 1.8],
  ["an echo above what its floor makes: no less, and no markup", [1.9, 0.2, 3, 2.5, 1.5], 1.9],
];

for (const [name, [minBid, markup, room, onDemand = null, markupFrom = minBid], bid] of bids) {
  test(`bid: ${name}`, () => assert.equal(bidFor({ minBid, markup, room, onDemand, markupFrom }), bid));
}

test("a listed price echoes a bid of ours in three decimals, whichever way it was rounded", () => {
  for (const listed of [1.337, 1.338, 1.3375]) assert.ok(isEcho(listed, [1, 1.3375]));
  for (const listed of [1.336, 1.339]) assert.ok(!isEcho(listed, [1, 1.3375]));
  assert.ok(!isEcho(1.339, [1.338]), "somebody who bids a thousandth more");
  assert.ok(!isEcho(1, []));
});

test("disk costs what Vast counts, or its list price when that is more", () => {
  assert.equal(diskPerHour(offer({ storage_total_cost: 0.0278, storage_cost: 0.2 }), 100), 0.0278);
  assert.equal(diskPerHour(offer({ storage_total_cost: 0.002, storage_cost: 0.2 }), 150), 0.0417);
  assert.equal(diskPerHour(offer({ storage_total_cost: null, storage_cost: 0.2 }), 720), 0.2);
  assert.equal(diskPerHour(offer({ storage_total_cost: null, storage_cost: null, dph_total: 1.6 }), 150), 0.1);
});

test("what the total has more than its parts is paid as well", () => {
  const parts = { dph_base: 1.5, storage_total_cost: 0.0278, storage_cost: 0.2 };
  assert.equal(diskPerHour(offer({ ...parts, dph_total: 1.5278, sla_broker_rate: null }), 100), 0.0278);
  assert.equal(diskPerHour(offer({ ...parts, dph_total: 1.6028, sla_broker_rate: 0.05 }), 100), 0.1028);
  assert.equal(diskPerHour(offer({ ...parts, dph_total: 1.2 }), 100), 0.0278, "nobody gives anything back");
});
