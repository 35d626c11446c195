import { roundUp } from "../../lib/money.ts";
import type { Offer } from "../client/wire.ts";
import type { OfferCriteria, Rental } from "./criteria.ts";
import { hoursOf, minBidOf, misfits, priceOf } from "./fit.ts";

/** An offer that fits, with the price we would pay. */
export interface OfferChoice {
  readonly offerId: number;
  readonly machineId: number;
  readonly hostId: number | null;
  /** In Vast's spelling. */
  readonly gpu: string;
  readonly gpus: number;
  readonly rental: Rental;
  /** What to bid, $/h of the slice without disk; null when on-demand. */
  readonly bidPerHour: number | null;
  readonly minBid: number | null;
  /** The same offer on-demand, without disk; null when it cannot be had so. */
  readonly onDemandPerHour: number | null;
  readonly diskPerHour: number;
  /** What we would pay: bid or on-demand price, and disk. Never above the cap. */
  readonly totalPerHour: number;
  readonly trafficPerGb: number | null;
  readonly location: string | null;
  readonly reliability: number | null;
  readonly downloadMbps: number | null;
  /** Hours the machine stays on the market. */
  readonly durationHours: number | null;
}

/** Offers that fit, cheapest first, the best of each machine. */
export function choose(
  offers: readonly Offer[],
  gpu: string,
  criteria: OfferCriteria,
  skip: ReadonlySet<number> = new Set(),
): OfferChoice[] {
  const choices = offers
    .filter((offer) => !skip.has(offer.machineId) && misfits(offer, gpu, criteria).length === 0)
    .map((offer) => choiceOf(offer, criteria))
    .filter((choice) => choice !== undefined)
    .sort(byPrice);
  const machines = new Set<number>();
  return choices.filter(({ machineId }) => !machines.has(machineId) && machines.add(machineId));
}

function byPrice(one: OfferChoice, other: OfferChoice): number {
  return (
    one.totalPerHour - other.totalPerHour ||
    (other.reliability ?? 0) - (one.reliability ?? 0) ||
    (other.downloadMbps ?? 0) - (one.downloadMbps ?? 0) ||
    one.offerId - other.offerId
  );
}

function choiceOf(offer: Offer, criteria: OfferCriteria): OfferChoice | undefined {
  const price = priceOf(offer, criteria);
  if (price === undefined) return undefined;
  const interruptible = criteria.rental === "interruptible";
  return {
    offerId: offer.id,
    machineId: offer.machineId,
    hostId: offer.hostId,
    gpu: offer.gpu,
    gpus: offer.gpus,
    rental: criteria.rental,
    ...price,
    minBid: interruptible ? minBidOf(offer) : offer.minBid,
    onDemandPerHour: interruptible ? null : roundUp(offer.gpuPerHour),
    trafficPerGb: offer.trafficPerGb,
    location: offer.location,
    reliability: offer.reliability,
    downloadMbps: offer.downloadMbps,
    durationHours: hoursOf(offer),
  };
}
