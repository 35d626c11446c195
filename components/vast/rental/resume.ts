import { factsOfInstance } from "../../events/news.ts";
import { perHour, roundUp } from "../../lib/money.ts";
import { isVastError } from "../client/errors.ts";
import { phaseOf } from "../client/phase.ts";
import type { Instance } from "../client/wire.ts";
import { stranded } from "../journal/trouble.ts";
import { postpone } from "../lease/lease.ts";
import { nextBidOf } from "../market/bidding.ts";
import { type OnDemand, onDemandOfInstance, onDemandText } from "../market/on-demand.ts";
import type { LiveEndpoint } from "../ready/live-endpoint.ts";
import type { Means } from "../ready/means.ts";
import { awaitReady } from "../ready/ready.ts";
import { type Terms, wantedOf } from "./rental-request.ts";

/** An instance in the state, and what is wanted of it now. */
export interface ResumeRequest {
  readonly instance: Instance;
  readonly label: string;
  readonly criteria: Terms;
  readonly publicKey: string;
  /** How long to wait for it, minutes. */
  readonly minutes: number;
  /** On-demand price that a bid is compared with; null = none, absent = Vast is asked when a bid has to be made. */
  readonly onDemand?: OnDemand | null;
}

export interface Resumed {
  readonly instance: Instance;
  readonly endpoint: LiveEndpoint;
  /** Others that carry the same label. */
  readonly twins: readonly Instance[];
}

/** A start takes about 40 seconds, and Vast shows the stopped state meanwhile. */
const START_MS = 120_000;

/**
 * Brings an instance of the state back to ready: starts it when it is stopped, an outbid one with a higher bid within
 * the cap, and waits. Releases nothing: its disk may hold something. Throws `Stranded` with the instance as it is when
 * it cannot be brought back.
 */
export async function resume(means: Means, request: ResumeRequest): Promise<Resumed> {
  try {
    return await bringBack(means, request);
  } catch (error) {
    throw isVastError(error) ? stranded(request.instance, error.message, false) : error;
  }
}

async function bringBack(means: Means, request: ResumeRequest): Promise<Resumed> {
  const { instance, label, criteria, publicKey, minutes } = request;
  const { phase, text } = phaseOf(instance);
  if (phase === "failed") {
    throw stranded(
      instance,
      `instance ${instance.id} does not come up: ${text}; pulumi up --replace on it rents another`,
      false,
    );
  }
  if (phase === "stopped") await start(means, request);
  const since = means.clock.now();
  // The price is not checked here: VastBid comes after this and may be about to lower it.
  const wanted = { ...wantedOf(criteria, null), maxPricePerHour: Number.POSITIVE_INFINITY };
  const deadline = since + minutes * 60_000;
  const stoppedMs = START_MS;
  const outcome = await awaitReady(means, { id: instance.id, label, since, deadline, stoppedMs, wanted, publicKey });
  if (outcome.ready) {
    means.events?.note({ what: "resumed", run: label, ...factsOfInstance(outcome.instance) });
    return outcome;
  }
  const row = outcome.instance ?? instance;
  if (phaseOf(row).cause === "queued") await callOff(means, row);
  throw stranded(row, `instance ${instance.id} is not ready again: ${outcome.text}`, false);
}

async function start(means: Means, request: ResumeRequest): Promise<void> {
  const { instance, criteria } = request;
  const hindrance = ended(instance, means.clock.now()) ?? (await withoutCredit(means));
  if (hindrance !== undefined) throw stranded(instance, `instance ${instance.id} is stopped: ${hindrance}`, false);
  await postponeOrStay(means, request);
  if (instance.isBid === true) {
    const { onDemand = await onDemandOfInstance(means, instance) } = request;
    await bidAgain(means, instance, criteria, onDemand);
  }
  means.progress(`starting instance ${instance.id}`);
  try {
    await means.client.setState(instance.id, "running");
  } catch (error) {
    if (!isVastError(error, "refused")) throw error;
    await callOff(means, instance);
    throw stranded(
      instance,
      `instance ${instance.id} cannot be started now: its GPUs are rented by somebody else (${error.message}); the start that Vast had queued is called off, so that it does not bill unasked later`,
      false,
    );
  }
}

/** Added to the wait. Whatever begins after that moves the lease itself. */
const LEASE_MINUTES = 60;

/** Moves the scheduled jobs that would end it. If that fails the instance stays stopped: a job could end it at work. */
async function postponeOrStay({ client }: Means, { instance, minutes }: ResumeRequest): Promise<void> {
  try {
    await postpone(client, instance.id, minutes + LEASE_MINUTES);
  } catch (error) {
    const why = (error as Error).message;
    throw stranded(instance, `instance ${instance.id} is not started: its lease could not be moved (${why})`, false);
  }
}

function ended({ endsAt, id }: Instance, now: number): string | undefined {
  if (endsAt === null || endsAt * 1000 > now) return undefined;
  const date = new Date(endsAt * 1000).toISOString().slice(0, 16).replace("T", " ");
  return `its rental ended on ${date} UTC, as its host had set, and Vast starts it no more; VAST_DISCARD_CHECKPOINTS=${id} pulumi destroy gives up what is on it`;
}

/**
 * Why the account's credit keeps it stopped: without credit Vast stops every machine. undefined = there is credit, or
 * the key may not read it.
 */
async function withoutCredit({ client }: Means): Promise<string | undefined> {
  const { credit } = await client.account().catch((error) => {
    if (isVastError(error)) return { credit: null };
    throw error;
  });
  if (credit === null || credit > 0) return undefined;
  const owed = credit < -0.005 ? ` and owes $${(-credit).toFixed(2)}` : "";
  return `the account has no credit left${owed}, so Vast has stopped its machines; add credit, then run pulumi up`;
}

/** Outbid: bids today's price, within the cap and below the on-demand price. */
async function bidAgain(means: Means, instance: Instance, criteria: Terms, onDemand: OnDemand | null): Promise<void> {
  const { machineId, gpus } = instance;
  const bid = instance.gpuPerHour ?? 0;
  const { bidMarkup: markup, maxPricePerHour } = criteria;
  const room = maxPricePerHour - (instance.diskPerHour ?? 0);
  const terms = { held: false, floor: null, room, markup, markupBefore: markup };
  const next = nextBidOf({ ...instance, gpuPerHour: bid }, terms, { onDemand, prices: means.prices });
  if (!next.wins)
    throw stranded(instance, outbidText(instance, criteria, next.limit === "cap" ? null : onDemand), false);
  if (Math.abs(next.bid - bid) < 1e-6) return;
  await means.say(`instance ${instance.id} was outbid; bidding ${perHour(next.bid)} instead of ${perHour(bid)}`);
  if (machineId !== null && gpus !== null)
    means.prices.noteBid({ machineId, gpus }, { perHour: next.bid, floor: next.floor });
  await means.client.changeBid(instance.id, next.bid);
}

/** @param onDemand null = the cap is in the way */
function outbidText({ id, minBid, diskPerHour }: Instance, { maxPricePerHour }: Terms, onDemand: OnDemand | null) {
  const takes = minBid ?? 0;
  if (onDemand === null)
    return `instance ${id} is outbid: it takes ${perHour(takes + (diskPerHour ?? 0))} with its disk now, and maxPricePerHour is ${perHour(maxPricePerHour)}; raise it, or wait for the price to fall`;
  return `instance ${id} is outbid: it takes a bid of ${perHour(takes)} now, and on demand it costs no more (${onDemandText(onDemand)}), so nothing is bid; wait for the price to fall, or bid all the same: vastai change bid ${id} --price ${roundUp(takes)}`;
}

/** A queued start may come about hours later, and bill. */
async function callOff(means: Means, { id }: Instance): Promise<void> {
  await means.client.setState(id, "stopped");
}
