import { perHour } from "../lib/money.ts";
import { FOREVER_MS } from "../programs/program.ts";
import { isVastError } from "../vast/client/errors.ts";
import { isDown, phaseOf } from "../vast/client/phase.ts";
import type { Instance } from "../vast/client/wire.ts";
import { nextBidOf } from "../vast/market/bidding.ts";
import { type OnDemand, onDemandOfInstance } from "../vast/market/on-demand.ts";
import type { Means } from "../vast/ready/means.ts";
import { type ResumeRequest, resume } from "../vast/rental/resume.ts";

/** What a stopped instance may cost while its checkpoints are fetched. */
export interface RescueTerms {
  /** $ in all; 0 = it is never started. */
  readonly budget: number;
  /** Our own key, `type base64 comment`. */
  readonly publicKey: string;
}

/** A stopped instance that was started to fetch its files. */
export interface Rescue {
  /** Aborted when the budget is used up, or the engine is gone. */
  readonly signal: AbortSignal;
  /** Why it was aborted, one clause; undefined = it was not. */
  why(): string | undefined;
  /** Stops it again, as it was before; one sentence about how that went. */
  stopAgain(): Promise<string>;
}

/** Not the stack's markup: this bid stands for minutes only. */
const MARKUP = 0.2;
/** A start needs at least this. */
const LEAST_MINUTES = 3;

/** The most that the budget pays for, $/h with disk. Not the run's cap, which is for hours: this is for minutes. */
function mostPerHour(budget: number): number {
  return (budget / LEAST_MINUTES) * 60;
}

/** What it costs while it runs, $/h; an interruptible one at the bid that wins it. */
function rescueRate({ prices }: Means, instance: Instance, most: number, onDemand: OnDemand | null): number {
  const disk = instance.diskPerHour ?? 0;
  const gpu = instance.gpuPerHour;
  if (gpu === null) return instance.totalPerHour ?? most;
  if (instance.isBid !== true) return gpu + disk;
  const terms = { held: false, floor: null, room: most - disk, markup: MARKUP, markupBefore: MARKUP };
  const { bid, wins } = nextBidOf({ ...instance, gpuPerHour: gpu }, terms, { onDemand, prices });
  return (wins ? bid : (instance.minBid ?? bid)) + disk;
}

/** Minutes that the budget pays for. */
function rescueMinutes(budget: number, rate: number): number {
  return Math.floor((budget / Math.max(rate, 0.001)) * 60 * 10) / 10;
}

/**
 * Starts a stopped instance within the budget and waits for it. Throws one sentence when the budget does not pay for
 * that, or Vast cannot start it; it is stopped then, and no start is left in a queue.
 */
export async function startForFiles(means: Means, instance: Instance, terms: RescueTerms): Promise<Rescue> {
  const { id } = instance;
  const { budget, publicKey } = terms;
  const most = mostPerHour(budget);
  const began = means.clock.now();
  const onDemand = instance.isBid === true && budget > 0 ? await onDemandOfInstance(means, instance) : null;
  const rate = rescueRate(means, instance, most, onDemand);
  const minutes = rescueMinutes(budget, rate);
  if (minutes < LEAST_MINUTES) throw new Error(tooDear(instance, budget, rate));
  await means.say(
    `instance ${id} is stopped and its checkpoints are not home: it is started to fetch them, at ${perHour(rate)}, for ${minutes} minutes and $${budget.toFixed(2)} at most`,
  );
  try {
    const criteria = termsOf(instance, most);
    const label = instance.label ?? "";
    await resume(forFilesOnly(means), { instance, label, criteria, publicKey, minutes, onDemand });
  } catch (error) {
    throw new Error([(error as Error).message, ...(await stopUnlessStopped(means, id))].join("; "));
  }
  const left = Math.max(began + minutes * 60_000 - means.clock.now(), 0);
  const late = AbortSignal.timeout(Math.min(left, FOREVER_MS));
  return {
    signal: AbortSignal.any([late, means.engine.signal]),
    why: () => {
      if (late.aborted) return `the rescueBudget of $${budget.toFixed(2)} is used up after ${minutes} minutes`;
      return means.engine.signal.aborted ? "Pulumi is gone" : undefined;
    },
    stopAgain: () => stopAgain(means, id, rate),
  };
}

/** Skips the check of its GPUs: they may be broken, and only files are needed. */
function forFilesOnly(means: Means): Means {
  return { ...means, logins: { ...means.logins, isSetUp: async () => ({ gpus: null, hasFuse: true }) } };
}

function tooDear({ id }: Instance, budget: number, rate: number): string {
  if (budget === 0) return `instance ${id} is stopped, and rescueBudget is 0, so it is not started`;
  return `instance ${id} is stopped, and the rescueBudget of $${budget.toFixed(2)} is too little to start it at ${perHour(rate)}; put VAST_RESCUE_BUDGET=<dollars> before the command`;
}

/** Criteria that it meets as it is, so that only its start is asked for. */
function termsOf({ gpus, isBid, diskGb }: Instance, maxPricePerHour: number): ResumeRequest["criteria"] {
  const rental = isBid === true ? "interruptible" : "on-demand";
  return { gpus: gpus ?? 1, rental, diskGb: diskGb ?? 0, maxPricePerHour, bidMarkup: MARKUP };
}

/** A failed start may still happen later, and bill. */
async function stopUnlessStopped(means: Means, id: number): Promise<string[]> {
  const row = await means.client.instance(id).catch(() => "unknown" as const);
  if (typeof row === "object" && isDown(row) && phaseOf(row).cause !== "queued") return [];
  // That one view lacks it proves nothing, and to stop one that is gone does no harm.
  return [await stopAgain(means, id, typeof row === "object" ? row.totalPerHour : null)];
}

async function stopAgain(means: Means, id: number, rate: number | null): Promise<string> {
  try {
    await means.client.setState(id, "stopped");
    return `instance ${id} was started for this, and is stopped again`;
  } catch (error) {
    if (isVastError(error, "no_such_instance")) return `instance ${id} is gone`;
    const price = rate === null ? "" : ` at up to ${perHour(rate)}`;
    return `INSTANCE ${id} WAS STARTED FOR THIS AND COULD NOT BE STOPPED AGAIN (${(error as Error).message}): it goes on billing${price}; this ends it: vastai stop instance ${id}`;
  }
}
