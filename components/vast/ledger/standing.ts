import { perHour } from "../../lib/money.ts";
import { durationText } from "../../lib/text.ts";
import type { Line, SeenPrice, Slice } from "./line.ts";

export interface PastFault {
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly words: string;
}

/** An image that a machine had. */
export interface PulledImage {
  readonly digest: string;
  /** When it was last known to have it, milliseconds since 1970. */
  readonly at: number;
}

/** What is known of a slice, that is, of so many GPUs of a machine. */
export interface Standing extends Slice {
  /** The oldest first. */
  readonly faults: readonly PastFault[];
  /** Seconds from rental to ready, the last time it got ready; null = it never did. */
  readonly bootSeconds: number | null;
  /** Mbit/s of the last pull that was measured. */
  readonly pullMbps: number | null;
  /** Once for each time that it was noted. */
  readonly pulled: readonly PulledImage[];
  readonly outbids: number;
  /** How often it was released after it had been ready, and for how long it had been rented in all. */
  readonly served: number;
  readonly hours: number;
  /** The last on-demand price seen. */
  readonly onDemand: SeenPrice | null;
}

/** All standings, as of a time. */
export interface Standings {
  /** Milliseconds since 1970. */
  readonly now: number;
  readonly all: readonly Standing[];
}

/** Sums up lines, in any order, into one standing per slice of a machine. */
export function standingsOf(lines: readonly Line[], now: number): Standings {
  const inOrder = lines.toSorted((one, other) => one.at - other.at);
  const slices = Map.groupBy(inOrder, ({ machineId, gpus }) => `${machineId}x${gpus}`);
  return { now, all: [...slices.values()].flatMap((each) => standingOf(each) ?? []) };
}

function standingOf(lines: readonly Line[]): Standing | undefined {
  const [first] = lines;
  if (first === undefined) return undefined;
  const ready = lines.filter((line) => line.what === "ready");
  const served = lines.filter((line) => line.what === "served");
  const prices = lines.flatMap(({ onDemand }) => onDemand ?? []);
  return {
    machineId: first.machineId,
    gpus: first.gpus,
    faults: lines.filter((line) => line.what === "fault").map(({ at, words }) => ({ at, words })),
    bootSeconds: ready.at(-1)?.bootSeconds ?? null,
    pullMbps: ready.findLast(({ pullMbps }) => pullMbps !== undefined)?.pullMbps ?? null,
    pulled: [...ready, ...served].flatMap(({ at, pulled }) => (pulled === undefined ? [] : [{ digest: pulled, at }])),
    outbids: lines.filter(({ what }) => what === "outbid").length,
    served: served.length,
    hours: served.reduce((sum, { hours }) => sum + hours, 0),
    onDemand: prices.toSorted((one, other) => one.at - other.at).at(-1) ?? null,
  };
}

/** How long a machine that failed is not rented again. */
const WEEK_MS = 7 * 86_400_000;

/** An offer of a machine that failed within the week. */
export interface Passed<Offer extends Slice> {
  readonly offer: Offer;
  /** The week's faults on any of the machine's GPUs, the oldest first. */
  readonly faults: readonly [PastFault, ...PastFault[]];
}

export interface Apart<Offer extends Slice> {
  readonly open: readonly Offer[];
  readonly passed: readonly Passed<Offer>[];
}

/** Splits offers into those that may be taken and those passed over, with their faults. */
export function apart<Offer extends Slice>(offers: readonly Offer[], { all, now }: Standings): Apart<Offer> {
  const recent = all.flatMap(({ machineId, faults }) => faults.map((fault) => ({ ...fault, machineId })));
  const ofWeek = Map.groupBy(
    recent.filter(({ at }) => now - at < WEEK_MS),
    ({ machineId }) => machineId,
  );
  const open: Offer[] = [];
  const passed: Passed<Offer>[] = [];
  for (const offer of offers) {
    const [first, ...more] = (ofWeek.get(offer.machineId) ?? []).toSorted((one, other) => one.at - other.at);
    if (first === undefined) open.push(offer);
    else passed.push({ offer, faults: [first, ...more] });
  }
  return { open, passed };
}

/** For when every offer has failed: fewest faults first; with equally many, the longest ago first. */
export function leastBadFirst<Offer extends Slice>(passed: readonly Passed<Offer>[]): Passed<Offer>[] {
  return passed.toSorted((one, other) => one.faults.length - other.faults.length || lastOf(one).at - lastOf(other).at);
}

function lastOf<Offer extends Slice>({ faults }: Passed<Offer>): PastFault {
  return faults.at(-1) ?? faults[0];
}

/** How many machines a text names at most. */
const MOST_NAMED = 3;

/** "passed over for a week: machine 123: failed 2 d 3 h ago (its set-up did not run)" @returns "" = none passed over */
export function passedText<Offer extends Slice>(passed: readonly Passed<Offer>[], now: number): string {
  if (passed.length === 0) return "";
  const named = passed.slice(0, MOST_NAMED).map((each) => failedText(each, now));
  const more = passed.length > MOST_NAMED ? `; and ${passed.length - MOST_NAMED} more` : "";
  return `passed over for a week: ${named.join("; ")}${more}`;
}

/** The text for an offer that failed and is taken because there is no better one. */
export function leastBadText<Offer extends Slice>(passed: Passed<Offer>, now: number): string {
  return `every machine that fits has failed within a week, and the least bad of them is offered: ${failedText(passed, now)}`;
}

function failedText<Offer extends Slice>(passed: Passed<Offer>, now: number): string {
  const { machineId } = passed.offer;
  const times = passed.faults.length > 1 ? `${passed.faults.length} times, the last one ` : "";
  return `machine ${machineId}: failed ${times}${faultText(lastOf(passed), now)}`;
}

function faultText({ at, words }: PastFault, now: number): string {
  return `${durationText(Math.max(now - at, 0) / 1000)} ago (${words})`;
}

/** "machine 123: served 3 times, 41 h; boots in 90 s; outbid once" @returns "" = nothing is known of it */
export function knownText({ machineId, gpus }: Slice, { all, now }: Standings): string {
  const known = all.find((each) => each.machineId === machineId && each.gpus === gpus);
  if (known === undefined) return "";
  const { served, hours, bootSeconds, pullMbps, outbids, onDemand } = known;
  const fault = known.faults.at(-1);
  const facts = [
    served > 0 && `served ${times(served)}, ${Math.round(hours)} h`,
    bootSeconds !== null && `boots in ${Math.round(bootSeconds)} s`,
    pullMbps !== null && `pulls at ${Math.round(pullMbps)} Mbit/s`,
    outbids > 0 && `outbid ${times(outbids)}`,
    fault !== undefined && `failed ${times(known.faults.length)}, last ${faultText(fault, now)}`,
    onDemand !== null &&
      `on demand ${perHour(onDemand.perHour)} on ${new Date(onDemand.at).toISOString().slice(0, 10)}`,
  ];
  return `machine ${machineId}: ${facts.filter((fact) => fact !== false).join("; ")}`;
}

function times(count: number): string {
  return count === 1 ? "once" : `${count} times`;
}
