import { roundDown } from "../../lib/money.ts";
import { bidFor } from "./price.ts";

/** What is known when a bid is to be thought over. Prices in $/h without disk. */
export interface BidSituation {
  /** The instance has its GPUs, or is about to. */
  readonly held: boolean;
  readonly bid: number;
  /** Smallest bid that gets or keeps it now; null = Vast does not say. */
  readonly minBid: number | null;
  /** Smallest bid when it was rented; null = not known any more. */
  readonly floor: number | null;
  /** The cap less the disk. */
  readonly room: number;
  readonly markup: number;
  readonly markupChanged: boolean;
}

export interface NextBid {
  readonly bid: number;
  /** False = somebody bids more than the cap allows. */
  readonly wins: boolean;
}

/**
 * The bid from now on. What is held is never bid up for nothing: a higher cap alone changes nothing, a lower one lowers
 * the bid to it, and a new markup is counted from the price at which it was rented, because the price that a holder sees
 * follows the holder's own bids. What was lost is bid for again at the price of the day, within the cap.
 */
export function nextBid(situation: BidSituation): NextBid {
  const { bid, minBid, room } = situation;
  const wanted = situation.held ? heldBid(situation) : lostBid(situation);
  const most = Math.max(roundDown(room), 0.001);
  const next = Math.min(wanted, most);
  return { bid: next, wins: next >= (minBid ?? bid) - 1e-6 };
}

function heldBid({ bid, minBid, floor, room, markup, markupChanged }: BidSituation): number {
  if (!markupChanged) return bid;
  const base = floor ?? minBid;
  if (base === null) return bid;
  // Not below what keeps it.
  return Math.max(bidFor(base, markup, room) ?? room, minBid ?? 0);
}

function lostBid({ bid, minBid, room, markup }: BidSituation): number {
  return minBid === null ? bid : (bidFor(minBid, markup, room) ?? room);
}
