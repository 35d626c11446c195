import assert from "node:assert/strict";
import { test } from "node:test";
import { type BidSituation, nextBid } from "../../../../components/vast/market/bidding.ts";

const held: BidSituation = {
  held: true,
  bid: 1.8,
  minBid: 1.5,
  bidsBefore: [],
  floor: 1.5,
  room: 3.45,
  onDemand: null,
  markup: 0.2,
  markupBefore: 0.2,
};

const bids: [what: string, change: Partial<BidSituation>, bid: number, wins: boolean][] = [
  ["held, nothing new: nothing", {}, 1.8, true],
  ["held, a higher cap: not raised for nothing", { room: 9 }, 1.8, true],
  ["held, a lower cap: lowered to it", { room: 1.6 }, 1.6, true],
  ["held, a cap below what keeps it: lowered, and said", { room: 1.4 }, 1.4, false],
  ["held, a new markup: from the price at the rental", { markup: 0.4 }, 2.1, true],
  ["held, a new markup: not from what the market asks now", { markup: 0.4, minBid: 1.7 }, 2.1, true],
  ["held, a smaller markup: not below what keeps it", { markup: 0, minBid: 1.7 }, 1.7, true],
  ["held, a new markup above the cap", { markup: 2 }, 3.45, true],
  ["held, a new markup, rental price not known", { markup: 0.4, floor: null }, 2.1, true],
  [
    "held, a new markup, our own bid for a price, rental price not known",
    { markup: 0.4, floor: null, minBid: 1.8 },
    1.8,
    true,
  ],
  [
    "held, a new markup, and the floor of an earlier version is our own bid",
    { markup: 0.4, floor: 1.8, minBid: 1.8 },
    1.8,
    true,
  ],
  ["held without a markup, and now with one", { bid: 1.5, markup: 0.2, markupBefore: 0, minBid: 1.5 }, 1.8, true],
  [
    "held, a smaller markup, our own bid for a price: from that at the rental",
    { markup: 0.1, minBid: 1.8 },
    1.65,
    true,
  ],
  [
    "held, a new markup, a bid that was lowered for a price",
    { bid: 1.2, markup: 0.1, floor: 1, minBid: 1.8, bidsBefore: [1.8] },
    1.1,
    true,
  ],
  ["held, a lower cap, our own bid for a price", { room: 1.6, minBid: 1.8 }, 1.6, true],
  ["held, a cap below the price at the rental", { room: 1.4, minBid: 1.8 }, 1.4, false],
  [
    "held at what it costs on demand, by an earlier version: lowered",
    { bid: 2.4, minBid: 1.5, onDemand: 2.2 },
    2.1999,
    true,
  ],
  ["held, and its host asks less on demand than keeps it: left alone", { minBid: 1.5, onDemand: 1.5 }, 1.8, true],
  [
    "held, and on demand below what keeps it, our own bid for a price: left alone",
    { minBid: 1.8, onDemand: 1.4 },
    1.8,
    true,
  ],
  [
    "held above the cap, and on demand less than keeps it",
    { bid: 2.4, minBid: 2, room: 2.2, onDemand: 1.9 },
    1.8999,
    false,
  ],
  ["held, a new markup that overshoots the on-demand price", { markup: 0.9, onDemand: 2.2 }, 2.1999, true],
  ["lost: the price of the day", { held: false, minBid: 2 }, 2.4, true],
  ["lost: within the cap", { held: false, minBid: 3.2 }, 3.45, true],
  ["lost, somebody bids more than the cap: all of it, and said", { held: false, minBid: 4 }, 3.45, false],
  ["lost, and Vast does not say the price", { held: false, minBid: null }, 1.8, true],
  ["lost, and cheaper now", { held: false, minBid: 1 }, 1.2, true],
  ["lost, and our own bid for a price: not bid against", { held: false, minBid: 1.8 }, 1.8, true],
  ["the same, cut to three decimals", { held: false, bid: 1.3375, minBid: 1.338 }, 1.3375, true],
  [
    "lost, and an earlier bid of ours for a price",
    { held: false, bid: 1.2, minBid: 1.8, bidsBefore: [1.8] },
    1.2,
    true,
  ],
  ["lost to somebody who bids a thousandth more", { held: false, minBid: 1.801 }, 2.1612, true],
  ["lost: below the on-demand price", { held: false, minBid: 2, onDemand: 2.3 }, 2.2999, true],
  ["lost, and on demand costs no more: said", { held: false, minBid: 2, onDemand: 2 }, 1.9999, false],
];

for (const [what, change, bid, wins] of bids) {
  test(`the next bid: ${what}`, () => {
    const next = nextBid({ ...held, ...change });
    assert.deepEqual([next.bid, next.wins], [bid, wins]);
  });
}

test("what stands in the way is named: the cap, or the price on demand", () => {
  const limits = (room: number, onDemand: number | null) =>
    nextBid({ ...held, held: false, minBid: 3, room, onDemand }).limit;
  assert.deepEqual([limits(2, null), limits(2, 2.5), limits(2.5, 2)], ["cap", "cap", "on-demand"]);
});

test("whoever bids again and again against an echo stays where he was", () => {
  let bid = 1.3375;
  for (let round = 0; round < 20; round++) {
    const minBid = Math.round(bid * 1000) / 1000;
    bid = nextBid({ ...held, held: round % 2 === 0, bid, minBid, markup: 0.2 + round / 100, floor: null }).bid;
  }
  assert.equal(bid, 1.3375);
});
