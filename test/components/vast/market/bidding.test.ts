import assert from "node:assert/strict";
import { test } from "node:test";
import { type BidSituation, nextBid } from "../../../../components/vast/market/bidding.ts";

const held: BidSituation = {
  held: true,
  bid: 1.8,
  minBid: 1.5,
  floor: 1.5,
  room: 3.45,
  markup: 0.2,
  markupChanged: false,
};

const bids: [what: string, change: Partial<BidSituation>, bid: number, wins: boolean][] = [
  ["held, nothing new: nothing", {}, 1.8, true],
  ["held, a higher cap: not raised for nothing", { room: 9 }, 1.8, true],
  ["held, a lower cap: lowered to it", { room: 1.6 }, 1.6, true],
  ["held, a cap below what keeps it: lowered, and said", { room: 1.4 }, 1.4, false],
  ["held, a new markup: from the price at the rental", { markup: 0.4, markupChanged: true }, 2.1, true],
  [
    "held, a new markup: not from what the market asks now",
    { markup: 0.4, markupChanged: true, minBid: 1.7 },
    2.1,
    true,
  ],
  ["held, a smaller markup: not below what keeps it", { markup: 0, markupChanged: true, minBid: 1.7 }, 1.7, true],
  ["held, a new markup above the cap", { markup: 2, markupChanged: true }, 3.45, true],
  ["held, a new markup, rental price not known", { markup: 0.4, markupChanged: true, floor: null }, 2.1, true],
  ["lost: the price of the day", { held: false, minBid: 2 }, 2.4, true],
  ["lost: within the cap", { held: false, minBid: 3.2 }, 3.45, true],
  ["lost, somebody bids more than the cap: all of it, and said", { held: false, minBid: 4 }, 3.45, false],
  ["lost, and Vast does not say the price", { held: false, minBid: null }, 1.8, true],
  ["lost, and cheaper now", { held: false, minBid: 1 }, 1.2, true],
];

for (const [what, change, bid, wins] of bids) {
  test(`the next bid: ${what}`, () => {
    assert.deepEqual(nextBid({ ...held, ...change }), { bid, wins });
  });
}
