import { roundDown, roundUp } from "../../lib/money.ts";
import type { Offer } from "../client/wire.ts";

/** Hours of a month in Vast's storage prices ($/GB/month): thirty days. */
const HOURS_PER_MONTH = 720;
/** What Vast takes as a bid, $/h. */
const SMALLEST_BID = 0.001;
const LARGEST_BID = 128;
/** Bids have four decimals. */
const STEP = 0.0001;

/** What no bid may exceed, $/h without disk. */
export interface BidLimits {
  /** The cap less the disk. */
  readonly room: number;
  /** What the same GPUs cost on demand, which outranks every bid; null = there is nothing to compare with. */
  readonly onDemand: number | null;
}

/** What a bid is made of, $/h without disk. */
export interface BidWish extends BidLimits {
  /** Smallest bid that wins. */
  readonly minBid: number;
  /** How far above it to bid: 0.2 = 20 %. */
  readonly markup: number;
  /** What the markup is added to, when that is not the smallest bid. */
  readonly markupFrom?: number;
}

/** The most that may be bid: within the room, and below the on-demand price in every rounding to four decimals. */
export function highestBid({ room, onDemand }: BidLimits): number {
  const below = onDemand === null ? LARGEST_BID : roundDown(roundDown(onDemand) - STEP);
  return Math.min(roundDown(room), below, LARGEST_BID);
}

/**
 * The bid, with four decimals: markup added, within the limits and Vast's 0.001 to 128. undefined = no bid within them
 * wins. Every bid is made here: to rent, to start again, to follow the stack's terms, to fetch checkpoints.
 */
export function bidFor({ minBid, markup, markupFrom = minBid, ...limits }: BidWish): number | undefined {
  const lowest = roundUp(Math.max(minBid, SMALLEST_BID));
  const highest = highestBid(limits);
  if (!(lowest <= highest)) return undefined;
  return Math.min(Math.max(roundDown(markupFrom * (1 + markup)), lowest), highest);
}

/**
 * Is a listed price the echo of a bid of ours? The market lists what we hold at our own bid, with three decimals, and
 * minutes late: it goes on listing a bid that was lowered, or given up with the machine.
 */
export function isEcho(listed: number, bids: readonly number[]): boolean {
  return bids.some((bid) => Math.abs(listed - bid) < 0.001 - 1e-9);
}

/**
 * $/h beside the GPUs: `gb` of disk by Vast's own figure, by its price list, or the total less the GPUs (it may hold a
 * share for an SLA, `sla_broker_rate`), whichever is highest, rounded up.
 */
export function diskPerHour(offer: Offer, gb: number): number {
  const listed = offer.storageCost === null ? 0 : (gb * offer.storageCost) / HOURS_PER_MONTH;
  return roundUp(Math.max(listed, offer.diskPerHour ?? 0, offer.totalPerHour - offer.gpuPerHour));
}
