import { roundUp } from "../../lib/money.ts";
import type { OfferCriteria } from "./criteria.ts";
import { type ComparedOffer, hoursOf, minBidOf, misfits, priceOf } from "./fit.ts";
import type { Promised } from "./quote.ts";

/** An offer that fits, with the price we would pay. */
export interface OfferChoice extends Promised {
  readonly hostId: number | null;
  readonly downloadMbps: number | null;
  /** Hours the machine stays on the market. */
  readonly durationHours: number | null;
}

/** Offers that fit, cheapest first, the best of each machine. */
export function choose(
  offers: readonly ComparedOffer[],
  gpu: string,
  criteria: OfferCriteria,
  skip: (offer: ComparedOffer) => boolean = () => false,
): OfferChoice[] {
  const choices = offers
    .filter((offer) => !skip(offer) && misfits(offer, gpu, criteria).length === 0)
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
    one.machineId - other.machineId
  );
}

function choiceOf(offer: ComparedOffer, criteria: OfferCriteria): OfferChoice | undefined {
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
    ...(interruptible ? comparedBid(offer) : onDemandPrice(offer)),
    trafficPerGb: offer.trafficPerGb,
    location: offer.location,
    reliability: offer.reliability,
    downloadMbps: offer.downloadMbps,
    durationHours: hoursOf(offer),
  };
}

function comparedBid(offer: ComparedOffer) {
  const { onDemand = null } = offer;
  return {
    minBidPerHour: offer.markupFrom ?? minBidOf(offer),
    onDemandPerHour: onDemand === null ? null : roundUp(onDemand.perHour),
    onDemandOf: onDemand?.of ?? null,
    onDemandAt: onDemand?.at ?? null,
  };
}

function onDemandPrice({ gpuPerHour }: ComparedOffer) {
  return { minBidPerHour: null, onDemandPerHour: roundUp(gpuPerHour), onDemandOf: null, onDemandAt: null };
}
