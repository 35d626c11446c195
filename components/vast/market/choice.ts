import { roundUp } from "../../lib/money.ts";
import type { Pull } from "../ledger/pull.ts";
import type { OfferCriteria } from "./criteria.ts";
import { type ComparedOffer, hoursOf, minBidOf, misfits, priceOf } from "./fit.ts";
import { type Promised, pullMinutesOf } from "./quote.ts";

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

/**
 * The cheapest first by what they cost to get and to keep. What a machine is known to have of the image counts for it:
 * the dollars that it saves, over the hours for which a machine is wanted. Those are the disk's while it pulls, and
 * those of the traffic, which Vast may bill; it bills no GPU while a host pulls, so that minutes of a pull cost next to
 * nothing. A base that hosts may have changes no order, for that is the same hope of all of them.
 */
export function byCost(
  choices: readonly OfferChoice[],
  pull: Pull,
  { minDurationHours }: OfferCriteria,
): OfferChoice[] {
  const hours = Math.max(1, minDurationHours);
  const cost = (choice: OfferChoice) => choice.totalPerHour - savedBy(choice, pull) / hours;
  return choices.toSorted((one, other) => cost(one) - cost(other));
}

/** Dollars, once. */
function savedBy(
  { machineId, downloadMbps, diskPerHour, trafficPerGb }: OfferChoice,
  { bytes, onMachines }: Pull,
): number {
  const left = onMachines.get(machineId);
  if (bytes === null || left === undefined) return 0;
  const there = Math.max(0, bytes - left);
  const hours = (pullMinutesOf(there, downloadMbps) ?? 0) / 60;
  return (there / 1e9) * (trafficPerGb ?? 0) + hours * diskPerHour;
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
