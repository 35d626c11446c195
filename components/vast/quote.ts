import type { OfferChoice } from "./choice.ts";
import type { Rental } from "./criteria.ts";
import { pullMinutesOf } from "./pull.ts";

/** What a preview promises. */
export interface Quote {
  readonly gpu: string;
  readonly gpus: number;
  readonly offerId: number;
  readonly machineId: number;
  readonly location: string | null;
  readonly reliability: number | null;
  readonly rental: Rental;
  readonly bidPerHour: number | null;
  readonly onDemandPerHour: number | null;
  readonly diskPerHour: number;
  readonly totalPerHour: number;
  readonly trafficPerGb: number | null;
  /** Minutes to pull the image at the speed that Vast measured; null = its size is not known. */
  readonly pullMinutes: number | null;
}

/** The quote of a choice. @param imageBytes compressed; null = not known */
export function quoteOf(choice: OfferChoice, imageBytes: number | null = null): Quote {
  const { gpu, gpus, offerId, machineId, location, reliability, rental } = choice;
  const { bidPerHour, onDemandPerHour, diskPerHour, totalPerHour, trafficPerGb } = choice;
  return {
    gpu,
    gpus,
    offerId,
    machineId,
    location,
    reliability,
    rental,
    bidPerHour,
    onDemandPerHour,
    diskPerHour,
    totalPerHour,
    trafficPerGb,
    pullMinutes: pullMinutesOf(imageBytes, choice.downloadMbps),
  };
}
