import { z } from "zod";
import { perHour } from "../../lib/money.ts";
import { durationText } from "../../lib/text.ts";
import { pick } from "../../lib/values.ts";
import { type Pull, UNKNOWN_PULL } from "../ledger/pull.ts";
import { criteria } from "./criteria.ts";
import { onDemandText, WHOSE } from "./on-demand.ts";

/** What a preview promises, and a state keeps for ever. Prices in $/h, those of GPUs without disk. */
export const quoteShape = z.object({
  /** In Vast's spelling. */
  gpu: z.string(),
  gpus: z.number(),
  offerId: z.number(),
  machineId: z.number(),
  location: z.string().nullable(),
  reliability: z.number().nullable(),
  rental: criteria.shape.rental.unwrap(),
  /** null when on-demand. */
  bidPerHour: z.number().nullable(),
  /** The price to which the markup was added; null when on-demand. Older states lack it. */
  minBidPerHour: z.number().nullable().exactOptional(),
  /** On-demand price; for a bid the one it was compared with, null = none was found. */
  onDemandPerHour: z.number().nullable(),
  /** For a bid: whose price that is. Older states lack it. */
  onDemandOf: z.enum(WHOSE).nullable().exactOptional(),
  /** For a price seen earlier: when, milliseconds since 1970. Older states lack it. */
  onDemandAt: z.number().nullable().exactOptional(),
  diskPerHour: z.number(),
  /** Bid or on-demand price, and disk. Never above the cap. */
  totalPerHour: z.number(),
  /** $/GB, of the dearer direction. */
  trafficPerGb: z.number().nullable(),
  /** Minutes to pull all of the image at the speed that Vast measured; null = its size is not known. */
  pullMinutes: z.number().nullable(),
  /** Minutes to pull what is not there already; null = nothing is known to be there. Older states lack it. */
  cachedPullMinutes: z.number().nullable().exactOptional(),
  /** What is there: what this machine ran for us, or the base, which it may have. Older states lack it. */
  cachedPullOf: z.enum(["machine", "base"]).nullable().exactOptional(),
});

export type Quote = Readonly<z.output<typeof quoteShape>>;

/** What an offer promises, whatever is to be pulled. */
export type Promised = Required<Omit<Quote, keyof PullTimes>>;

export type PullTimes = Required<Pick<Quote, "pullMinutes" | "cachedPullMinutes" | "cachedPullOf">>;

const PROMISED = quoteShape.omit({ pullMinutes: true, cachedPullMinutes: true, cachedPullOf: true }).keyof().options;

/** A machine, and the speed that Vast measured. */
interface Puller {
  readonly machineId: number;
  readonly downloadMbps: number | null;
}

/** The quote of a choice. */
export function quoteOf(choice: Promised & Puller, pull: Pull = UNKNOWN_PULL): Quote {
  return { ...pick(choice, PROMISED), ...pullTimesOf(choice, pull) };
}

/** How long a machine pulls. What it is known to have counts, unless the base would leave less to pull. */
export function pullTimesOf({ machineId, downloadMbps }: Puller, { bytes, besideBase, onMachines }: Pull): PullTimes {
  const known = onMachines.get(machineId);
  const isKnown = known !== undefined && known <= (besideBase ?? known);
  const cachedPullMinutes = pullMinutesOf(isKnown ? known : besideBase, downloadMbps);
  return {
    pullMinutes: pullMinutesOf(bytes, downloadMbps),
    cachedPullMinutes,
    cachedPullOf: cachedPullMinutes === null ? null : isKnown ? "machine" : "base",
  };
}

/** A pull takes this many times as long: hosts do not reach the speed that Vast measured, and unpack as well. */
const SHARE = 3;
/** Before and after the pull, minutes. */
const BESIDE_MINUTES = 10;

/** Minutes to fetch an image at the speed that Vast measured, one decimal; null = size or speed is not known. */
export function pullMinutesOf(bytes: number | null, downloadMbps: number | null): number | null {
  if (bytes === null || downloadMbps === null || downloadMbps <= 0) return null;
  return Math.round((bytes * 8) / (downloadMbps * 1e6) / 6) / 10;
}

/** How long to wait for a machine with this image to pull, minutes: the configured time, or longer. */
export function patienceOf(configured: number, pullMinutes: number | null): number {
  return pullMinutes === null ? configured : Math.max(configured, BESIDE_MINUTES + SHARE * pullMinutes);
}

/** One line for the row: what the preview promises. */
export function quoteLine(quote: Quote): string {
  const { gpu, gpus, location, reliability, bidPerHour, onDemandPerHour, diskPerHour, totalPerHour } = quote;
  const { onDemandOf = null, onDemandAt = null } = quote;
  const place = location === null ? "" : ` in ${location}`;
  const trust = reliability === null ? "" : `, reliability ${reliability.toFixed(3)}`;
  const pull = quote.pullMinutes === null ? "" : `, image pull about ${pullText(quote, quote.pullMinutes)}`;
  const beside =
    onDemandPerHour === null
      ? "nothing to compare it with on demand"
      : `on demand ${onDemandText({ perHour: onDemandPerHour, of: onDemandOf ?? "machine", at: onDemandAt })}`;
  const gpuPrice =
    bidPerHour === null ? `on demand ${perHour(onDemandPerHour ?? 0)}` : `bid ${perHour(bidPerHour)} (${beside})`;
  return `${gpus}x ${gpu}${place}${trust}: ${gpuPrice} and disk ${perHour(diskPerHour)}, ${perHour(totalPerHour)} in all${pull}`;
}

/** "4 min, 18 s where the base is cached"; of a machine that is known to have layers only what is left, "18 s, …". */
function pullText({ cachedPullMinutes = null, cachedPullOf = null }: Quote, minutes: number): string {
  const cached = cachedPullMinutes === null ? "" : cachedPullText(cachedPullMinutes);
  if (cachedPullOf === "machine") return `${cached}, the rest is there from an earlier run`;
  return `${minutesText(minutes)}${cachedPullOf === "base" ? `, ${cached} where the base is cached` : ""}`;
}

/** "4 min", never less than one. */
export function minutesText(minutes: number): string {
  return `${Math.max(1, Math.round(minutes))} min`;
}

/** "18 s", or "4 min" from one minute on; never less than 6 s, which is what one decimal of a minute can tell. */
export function cachedPullText(minutes: number): string {
  return minutes < 1 ? durationText(Math.max(6, Math.round(minutes * 60))) : minutesText(minutes);
}

/** A bid from this share of the on-demand price on is hardly cheaper: one interruption in two hours costs what it saves. */
const NEAR = 0.9;

/** What to say where renting on demand is the better choice. @param onDemandTotal the cheapest that fits, with disk; null = none */
export function onDemandHint({ bidPerHour, totalPerHour }: Quote, onDemandTotal: number | null): string | undefined {
  if (bidPerHour === null || onDemandTotal === null || totalPerHour < NEAR * onDemandTotal) return undefined;
  const more = Math.max(0, Math.round((onDemandTotal / totalPerHour - 1) * 100));
  const than = totalPerHour >= onDemandTotal ? "no more" : `${more} % more`;
  return `on demand such a machine costs ${perHour(onDemandTotal)} in all, ${than} than this bid, and nobody can take it away: pulumi config set rental on-demand`;
}
