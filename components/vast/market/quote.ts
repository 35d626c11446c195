import { perHour } from "../../lib/money.ts";
import type { OfferChoice } from "./choice.ts";
import type { Rental } from "./criteria.ts";

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

/** Hosts reach a part of the speed that Vast once measured, and unpack what they have fetched. */
const SHARE = 3;
/** Before and after the pull, minutes. */
const BESIDE_MINUTES = 10;

/** Minutes to fetch an image at the speed that Vast measured, one decimal; null = size or speed is not known. */
export function pullMinutesOf(bytes: number | null, downloadMbps: number | null): number | null {
  if (bytes === null || downloadMbps === null || downloadMbps <= 0) return null;
  return Math.round((bytes * 8) / (downloadMbps * 1e6) / 6) / 10;
}

/** How long a machine may take that has this to pull, minutes: what is configured, or longer. */
export function patienceOf(configured: number, pullMinutes: number | null): number {
  return pullMinutes === null ? configured : Math.max(configured, BESIDE_MINUTES + SHARE * pullMinutes);
}

/** One line for the row: what the preview promises. */
export function quoteLine(quote: Quote): string {
  const { gpu, gpus, location, reliability, bidPerHour, onDemandPerHour, diskPerHour, totalPerHour } = quote;
  const place = location === null ? "" : ` in ${location}`;
  const trust = reliability === null ? "" : `, reliability ${reliability.toFixed(3)}`;
  const pull = quote.pullMinutes === null ? "" : `, image pull about ${Math.max(1, Math.round(quote.pullMinutes))} min`;
  const beside = onDemandPerHour === null ? "" : ` (on demand ${perHour(onDemandPerHour)})`;
  const gpuPrice =
    bidPerHour === null ? `on demand ${perHour(onDemandPerHour ?? 0)}` : `bid ${perHour(bidPerHour)}${beside}`;
  return `${gpus}x ${gpu}${place}${trust}: ${gpuPrice} and disk ${perHour(diskPerHour)}, ${perHour(totalPerHour)} in all${pull}`;
}
