import { pick } from "../../lib/values.ts";
import { changedKeys, lifecycle } from "../../pulumi/lifecycle.ts";
import { connect, openJournal } from "../ready/connect.ts";
import { bidInputs, type Moved, type VastBidInputs } from "./bid.ts";
import { rebid } from "./rebid.ts";
import { termsOf } from "./terms.ts";

interface BidOutputs extends VastBidInputs {
  /** Smallest bid when the instance was rented, $/h without disk; null = not known. */
  readonly floorPerHour: number | null;
  /** Older states lack it. */
  readonly moved?: Moved | null;
}

/** Only check is told the URN, the row on which progress is shown, so it goes on as an input. */
interface CheckedBid extends VastBidInputs {
  readonly __urn?: string;
}

/** The lifecycle behind VastBid. */
export const provider = lifecycle({
  check: async (_olds: object, news: CheckedBid) => ({ inputs: news }),

  diff: async (_id: string, olds: BidOutputs, news: VastBidInputs) => {
    const replaces = changedKeys(olds, { instanceId: news.instanceId });
    return { replaces, changes: replaces.length > 0 || hasNewTerms(olds, news) };
  },

  create: async (inputs: CheckedBid) => {
    // A resource that depends on the instance is made only when the instance is in the state.
    openJournal().closeInstance(Number(inputs.instanceId));
    const terms = termsOf(inputs.instanceId);
    const floorPerHour = terms?.floorPerHour ?? null;
    const isOther = terms === undefined || hasNewTerms({ ...inputs, ...terms }, inputs);
    const moved = isOther ? await bring(inputs, floorPerHour, inputs.bidMarkup) : null;
    return { id: inputs.instanceId, outs: outputs(inputs, floorPerHour, moved) };
  },

  update: async (_id: string, olds: BidOutputs, news: CheckedBid) => {
    const floorPerHour = termsOf(news.instanceId)?.floorPerHour ?? olds.floorPerHour;
    const moved = await bring(news, floorPerHour, olds.bidMarkup);
    return { outs: outputs(news, floorPerHour, joined(olds.moved, moved)) };
  },
});

function hasNewTerms(olds: VastBidInputs, news: VastBidInputs): boolean {
  if (news.rental === "on-demand") return false;
  return olds.maxPricePerHour !== news.maxPricePerHour || olds.bidMarkup !== news.bidMarkup;
}

/** Two changes after each other, between which the instance's outputs did not follow, are one. */
export function joined(before: Moved | null | undefined, after: Moved | null): Moved | null {
  if (before == null || after === null) return after ?? before ?? null;
  return { from: Math.abs(before.to - after.from) < 1e-6 ? before.from : after.from, to: after.to };
}

function outputs(inputs: VastBidInputs, floorPerHour: number | null, moved: Moved | null): BidOutputs {
  return { ...pick(inputs, bidInputs.keyof().options), floorPerHour, moved };
}

async function bring(inputs: CheckedBid, floor: number | null, markupBefore: number): Promise<Moved | null> {
  if (inputs.rental === "on-demand") return null;
  return rebid(await connect(inputs, { urn: inputs.__urn }), inputs, { floor, markupBefore });
}
