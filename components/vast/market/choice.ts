import { roundUp } from "../../lib/money.ts";
import type { OfferCriteria, Rental } from "./criteria.ts";
import { type ComparedOffer, hoursOf, minBidOf, misfits, priceOf } from "./fit.ts";
import type { OnDemand } from "./on-demand.ts";

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
  /** What the markup came on top of, $/h without disk; null when on-demand. */
  readonly minBidPerHour: number | null;
  /** What it costs on demand or, of a bid, what that was compared with, $/h without disk; null = with nothing. */
  readonly onDemandPerHour: number | null;
  /** Of a bid: whose on-demand price that is; null = nobody's. */
  readonly onDemandOf: OnDemand["of"] | null;
  /** Of a bid: when an earlier price was seen, milliseconds since 1970. */
  readonly onDemandAt: number | null;
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
