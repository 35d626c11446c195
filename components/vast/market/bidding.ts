import type { Instance } from "../client/wire.ts";
import type { OnDemand } from "./on-demand.ts";
import { type BidLimits, bidFor, highestBid, isEcho } from "./price.ts";
import type { Prices } from "./prices.ts";

/** What a decision about a bid is based on. Prices in $/h without disk. */
export interface BidSituation extends BidLimits {
  /** The instance has its GPUs, or is about to. */
  readonly held: boolean;
  readonly bid: number;
  /** Smallest bid that gets or keeps it, as Vast says; null = it does not say. */
  readonly minBid: number | null;
  /** Bids of ours that `minBid` may echo, beside the standing one. */
  readonly bidsBefore: readonly number[];
  /** Smallest bid when it was rented; null = not known any more. */
  readonly floor: number | null;
  readonly markup: number;
  /** The one that the standing bid was made with. */
  readonly markupBefore: number;
}

export interface NextBid {
  readonly bid: number;
  /** False = the highest allowed bid does not get or keep it, because of `limit`. */
  readonly wins: boolean;
  /** What keeps the bid from being higher. */
  readonly limit: "cap" | "on-demand";
  /** The price to which the markup was added; null = the bid has none. */
  readonly floor: number | null;
}

/**
 * The bid from now on. A running instance is not bid up without need: a higher cap changes nothing, a lower one lowers
 * the bid to it, and a new markup is added to the price at which it was rented. A lost one is bid for again at today's
 * price, within the limits.
 *
 * A listed price that echoes our own bid says nothing of what others would pay, so no markup is added to it. Where no
 * other price is known, the bid stays.
 *
 * A running instance keeps its bid where renting on demand costs no more than what keeps it: a lower bid would only
 * stop it.
 */
export function nextBid(situation: BidSituation): NextBid {
  const { held, bid, bidsBefore, markup, markupBefore } = situation;
  const listed = situation.minBid;
  const price = listed === null || isEcho(listed, [bid, ...bidsBefore]) ? null : listed;
  // From the state of an earlier version it may be an echo as well.
  const isFloor = situation.floor !== null && (markupBefore === 0 || !isEcho(situation.floor, [bid]));
  const floor = isFloor ? situation.floor : null;
  const highest = Math.max(highestBid(situation), 0.001);
  const limit = highest < highestBid({ ...situation, onDemand: null }) ? "on-demand" : "cap";
  if (!held) {
    const wanted = price === null ? bid : (bidFor({ ...situation, minBid: price }) ?? highest);
    const next = Math.min(wanted, highest);
    return { bid: next, wins: price === null || next >= price - 1e-6, limit, floor: price };
  }
  // We hold it, so our bid is enough: a listed price above it cannot be what keeps it.
  const keeps = price !== null && price < bid ? price : null;
  const takes = keeps ?? floor ?? 0;
  const from = floor ?? keeps;
  const wanted =
    markup === markupBefore || from === null
      ? bid
      : (bidFor({ ...situation, minBid: keeps ?? 0, markupFrom: from }) ?? highest);
  const next = Math.min(wanted, highest);
  if (next < takes && limit === "on-demand" && bid <= situation.room) return { bid, wins: true, limit, floor };
  return { bid: next, wins: next >= takes - 1e-6, limit, floor: from };
}

/** The terms of a bid, as far as the stack or the command says them. */
export type BidTerms = Pick<BidSituation, "held" | "room" | "markup" | "markupBefore" | "floor">;

/** The next bid of an instance, by what Vast says of it and what is remembered. Vast must say what is bid now. */
export function nextBidOf(
  instance: Instance & { readonly gpuPerHour: number },
  terms: BidTerms,
  { onDemand, prices }: { readonly onDemand: OnDemand | null; readonly prices: Prices },
): NextBid {
  const { gpuPerHour: bid, minBid, machineId, gpus } = instance;
  const before = machineId === null || gpus === null ? [] : prices.bids({ machineId, gpus });
  const bidsBefore = before.map(({ perHour }) => perHour);
  return nextBid({ ...terms, bid, minBid, bidsBefore, onDemand: onDemand?.perHour ?? null });
}
