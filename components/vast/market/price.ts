import { roundDown, roundUp } from "../../lib/money.ts";
import type { Offer } from "../client/wire.ts";

/** Hours of a month in Vast's storage prices ($/GB/month): thirty days. */
const HOURS_PER_MONTH = 720;
/** What Vast takes as a bid, $/h. */
const SMALLEST_BID = 0.001;
const LARGEST_BID = 128;

/**
 * The bid for an offer whose minimum is `minBid`: markup on top, never above `room` (cap minus disk, $/h), within
 * Vast's 0.001 to 128, rounded down to four decimals where that still wins. undefined = not to be had within the cap.
 */
export function bidFor(minBid: number, markup: number, room: number): number | undefined {
  const lowest = Math.max(minBid, SMALLEST_BID);
  const highest = Math.min(room, LARGEST_BID);
  if (!(lowest <= highest)) return undefined;
  const wanted = Math.min(roundDown(minBid * (1 + markup)), roundDown(highest), highest);
  return Math.max(wanted, lowest);
}

/** $/h for `gb` of disk: Vast's own figure or that of its price list, whichever is more, rounded up. */
export function diskPerHour(offer: Offer, gb: number): number {
  const listed = offer.storageCost === null ? 0 : (gb * offer.storageCost) / HOURS_PER_MONTH;
  const counted = offer.diskPerHour ?? Math.max(offer.totalPerHour - offer.gpuPerHour, 0);
  return roundUp(Math.max(listed, counted));
}
