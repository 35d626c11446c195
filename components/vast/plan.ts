import { perHour, roundDown } from "../lib/money.ts";
import { canonicalGpu } from "./gpu-name.ts";
import type { Asked, CheckedInputs, InstanceOutputs } from "./instance.outputs.ts";
import { bidFor } from "./price.ts";
import type { Quote } from "./quote.ts";

/** What a run will do to an instance that is in the state. */
export interface Plan {
  /** Inputs that make another machine necessary. */
  readonly replaces: string[];
  readonly changes: boolean;
}

const HARD = ["gpu", "gpus", "rental", "diskGb", "image", "label", "apiUrl"] as const;

/**
 * What differs between the instance and what is asked now. Hardware, image and disk cannot change on a machine that is
 * rented; prices, filters, keys and patience matter for the next rental only. An update resumes what is not ready.
 *
 * @param isUnknown tells inputs that are not known before the run; they change nothing, but an image that is yet to be built
 */
export function planOf(
  olds: InstanceOutputs,
  news: CheckedInputs,
  isUnknown: (value: unknown) => boolean = () => false,
): Plan {
  const before: Asked = olds.asked;
  const hard = HARD.filter((key) => differs(key, before, news, isUnknown));
  // Never ready, so nothing is lost with it; and it was to be released already.
  const isWreck = olds.phase === "failed" && olds.hostKey === "";
  const replaces: string[] = isWreck ? [...hard, "phase"] : hard;
  const isMarked = olds.label === before.label;
  const isReachable = isUnknown(news.apiKeyFile) || before.apiKeyFile === news.apiKeyFile;
  return { replaces, changes: replaces.length > 0 || olds.phase !== "ready" || !isMarked || !isReachable };
}

function differs(
  key: (typeof HARD)[number],
  before: Asked,
  news: Asked,
  isUnknown: (value: unknown) => boolean,
): boolean {
  if (isUnknown(news[key])) return key === "image";
  if (key === "image" && isPinOf(news.image, before.image)) return false;
  return canonical(key, before[key]) !== canonical(key, news[key]);
}

/** A tag that was rented when its registry did not answer, and the digest that it has: no reason for another machine. */
function isPinOf(image: string, tagged: string): boolean {
  const [name, digest] = image.split("@");
  return digest !== undefined && !tagged.includes("@") && name === tagged.replace(/:[^:/]*$/, "");
}

function canonical(key: keyof Asked, value: string | number): string | number {
  if (key === "gpu")
    return (
      canonicalGpu(String(value)) ??
      String(value)
        .toLowerCase()
        .replace(/[^a-z0-9]/g, "")
    );
  if (key === "apiUrl") return String(value).replace(/\/$/, "") || "https://console.vast.ai";
  return value;
}

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
