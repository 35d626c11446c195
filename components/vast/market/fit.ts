import { perHour, roundUp } from "../../lib/money.ts";
import type { Offer } from "../client/wire.ts";
import type { OfferCriteria } from "./criteria.ts";
import { type OnDemand, onDemandText } from "./on-demand.ts";
import { type BidLimits, bidFor, diskPerHour } from "./price.ts";

/** An offer, and what is known of its price beside it. */
export interface ComparedOffer extends Offer {
  /** Absent or null = there is nothing to compare a bid with. */
  readonly onDemand?: OnDemand | null;
  /** What the markup is added to where the minimum bid only echoes a bid of ours, $/h. */
  readonly markupFrom?: number;
}

/** What we would really pay, $/h. */
interface Price {
  readonly bidPerHour: number | null;
  readonly diskPerHour: number;
  readonly totalPerHour: number;
}

/**
 * What an offer costs us: the bid after markup, or the on-demand price, and the disk. undefined = above the cap, or no bid
 * wins that is below the on-demand price.
 */
export function priceOf(offer: ComparedOffer, criteria: OfferCriteria): Price | undefined {
  const cap = criteria.maxPricePerHour;
  const disk = diskPerHour(offer, criteria.diskGb);
  const limits = { room: cap - disk, onDemand: offer.onDemand?.perHour ?? null };
  const bid = criteria.rental === "interruptible" ? bidWithin(offer, criteria.bidMarkup, limits) : null;
  if (bid === undefined) return undefined;
  const gpu = bid ?? offer.gpuPerHour;
  if (gpu + disk > cap + 1e-9) return undefined;
  return { bidPerHour: bid, diskPerHour: disk, totalPerHour: Math.min(roundUp(gpu + disk), cap) };
}

function bidWithin(offer: ComparedOffer, markup: number, limits: BidLimits): number | undefined {
  const { markupFrom } = offer;
  return bidFor({ minBid: minBidOf(offer), markup, ...limits, ...(markupFrom === undefined ? {} : { markupFrom }) });
}

/** In a search for interruptible offers the price of the GPUs is the minimum bid. */
export function minBidOf(offer: Offer): number {
  return offer.minBid ?? offer.gpuPerHour;
}

/** Why an offer does not fit. */
export interface Misfit {
  /** The criterion that excludes it; null = nothing in the config would change it. */
  readonly criterion: keyof OfferCriteria | null;
  /** For the count: "not verified". */
  readonly what: string;
  /** For the nearest offer: "reliability 0.91". */
  readonly found: string;
}

/**
 * Everything that excludes an offer, none = it fits. Vast's search does not always apply what it is asked for, so every
 * constraint is checked again here.
 */
export function misfits(offer: ComparedOffer, gpu: string, criteria: OfferCriteria): Misfit[] {
  const c = criteria;
  const checks: (Misfit | false)[] = [
    gpu !== "" && offer.gpu !== gpu && { criterion: "gpu", what: "another GPU", found: offer.gpu },
    offer.gpus !== c.gpus && { criterion: "gpus", what: "another number of GPUs", found: `${offer.gpus} GPUs` },
    !offer.rentable && { criterion: null, what: "not rentable now", found: "not rentable now" },
    c.virtual === true &&
      !offer.vms && { criterion: null, what: "without virtual machines", found: "no virtual machines" },
    c.virtual === true && !offer.datacenter && { criterion: null, what: "in no datacenter", found: "in no datacenter" },
    offer.external && { criterion: null, what: "external", found: "external" },
    c.verified && !offer.verified && { criterion: "verified", what: "not verified", found: "not verified" },
    below(offer.directPorts, 1) && { criterion: null, what: "without a direct port", found: "no direct port" },
    below(offer.reliability, c.minReliability) && {
      criterion: "minReliability",
      what: `below ${c.minReliability} reliability`,
      found: `reliability ${offer.reliability ?? "unknown"}`,
    },
    below(offer.downloadMbps, c.minDownloadMbps) && {
      criterion: "minDownloadMbps",
      what: `below ${c.minDownloadMbps} Mbps down`,
      found: `${offer.downloadMbps ?? "unknown"} Mbps down`,
    },
    below(hoursOf(offer), c.minDurationHours) && {
      criterion: "minDurationHours",
      what: `for less than ${c.minDurationHours} h`,
      found: `${hoursOf(offer) ?? "unknown"} h`,
    },
    below(offer.diskGb, c.diskGb) && {
      criterion: "diskGb",
      what: `below ${c.diskGb} GB disk`,
      found: `${Math.floor(offer.diskGb ?? 0)} GB disk`,
    },
    priceOf({ ...offer, onDemand: null }, c) === undefined && {
      criterion: "maxPricePerHour",
      what: `above ${perHour(c.maxPricePerHour)}`,
      found: perHour(leastPrice(offer, c)),
    },
    noBidIsLess(offer, c) && {
      criterion: "rental",
      what: "that cost no more on demand",
      found: `on demand ${onDemandText(offer.onDemand)}`,
    },
  ];
  return checks.filter((check) => check !== false);
}

/** On demand it costs no more than the lowest bid that wins, and nobody can take it away. */
export function noBidIsLess(
  offer: ComparedOffer,
  { rental }: OfferCriteria,
): offer is ComparedOffer & { readonly onDemand: OnDemand } {
  if (rental === "on-demand" || !offer.onDemand) return false;
  return bidWithin(offer, 0, { room: Number.POSITIVE_INFINITY, onDemand: offer.onDemand.perHour }) === undefined;
}

/** An unknown value does not pass. */
function below(value: number | null, least: number): boolean {
  return least > 0 && !((value ?? Number.NaN) >= least);
}

export function hoursOf(offer: Offer): number | null {
  return offer.durationSeconds === null ? null : Math.floor(offer.durationSeconds / 360) / 10;
}

/** The smallest price at which the offer could be rented, whatever the cap. */
export function leastPrice(offer: Offer, criteria: OfferCriteria): number {
  const gpu = criteria.rental === "interruptible" ? minBidOf(offer) : offer.gpuPerHour;
  return gpu + diskPerHour(offer, criteria.diskGb);
}
