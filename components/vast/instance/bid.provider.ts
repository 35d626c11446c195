import { perHour } from "../../lib/money.ts";
import { isUnknown, lifecycle } from "../../pulumi/lifecycle.ts";
import { phaseOf } from "../client/phase.ts";
import { nextBid } from "../market/bidding.ts";
import { connect, openJournal } from "../ready/connect.ts";
import type { VastBidInputs } from "./bid.ts";
import { termsOf } from "./terms.ts";

interface BidOutputs extends VastBidInputs {
  /** Smallest bid when the instance was rented, $/h without disk; null = not known. */
  readonly floorPerHour: number | null;
}

/** Rows by instance: only check is told the URN, and it does not belong into the inputs. */
const rows = new Map<string, string>();

/** The lifecycle behind VastBid. */
export const provider = lifecycle({
  check: async (_olds: object, { __urn: urn = "", ...inputs }: VastBidInputs & { readonly __urn?: string }) => {
    rows.set(inputs.instanceId, urn);
    return { inputs };
  },

  diff: async (_id: string, olds: BidOutputs, news: VastBidInputs) => {
    const moved = !isUnknown(news.instanceId) && olds.instanceId !== news.instanceId;
    return { replaces: moved ? ["instanceId"] : [], changes: moved || hasNewTerms(olds, news) };
  },

  create: async (inputs: VastBidInputs) => {
    // A resource that depends on the instance is made only when the instance is in the state.
    openJournal().closeInstance(Number(inputs.instanceId));
    const terms = termsOf(inputs.instanceId);
    const floorPerHour = terms?.floorPerHour ?? null;
    if (terms === undefined || hasNewTerms({ ...inputs, ...terms }, inputs)) await rebid(inputs, floorPerHour, false);
    return { id: inputs.instanceId, outs: outputs(inputs, floorPerHour) };
  },

  update: async (_id: string, olds: BidOutputs, news: VastBidInputs) => {
    const floorPerHour = termsOf(news.instanceId)?.floorPerHour ?? olds.floorPerHour;
    await rebid(news, floorPerHour, olds.bidMarkup !== news.bidMarkup);
    return { outs: outputs(news, floorPerHour) };
  },
});

function hasNewTerms(olds: VastBidInputs, news: VastBidInputs): boolean {
  if (news.rental === "on-demand") return false;
  return olds.maxPricePerHour !== news.maxPricePerHour || olds.bidMarkup !== news.bidMarkup;
}

function outputs(inputs: VastBidInputs, floorPerHour: number | null): BidOutputs {
  const { instanceId, apiUrl, apiKeyFile, rental, maxPricePerHour, bidMarkup } = inputs;
  return { instanceId, apiUrl, apiKeyFile, rental, maxPricePerHour, bidMarkup, floorPerHour };
}

/** Brings the bid in line with cap and markup, where that changes it. */
async function rebid(inputs: VastBidInputs, floor: number | null, markupChanged: boolean): Promise<void> {
  const { rental, instanceId, maxPricePerHour, bidMarkup: markup } = inputs;
  if (rental === "on-demand") return;
  const { client, say } = await connect(inputs, { urn: rows.get(instanceId) });
  const id = Number(instanceId);
  const instance = await client.instance(id);
  if (instance === undefined) {
    throw new Error(`instance ${id} is not to be found at Vast; pulumi up --refresh rents a new one when it is gone`);
  }
  const { gpuPerHour: bid, minBid, diskPerHour } = instance;
  if (bid === null) throw new Error(`Vast does not say what is bid for instance ${id}; try again`);
  const held = phaseOf(instance).phase !== "stopped";
  const room = maxPricePerHour - (diskPerHour ?? 0);
  const next = nextBid({ held, bid, minBid, floor, room, markup, markupChanged });
  if (!next.wins) {
    await say(
      `${perHour(next.bid)} is the most that ${perHour(maxPricePerHour)} with the disk allows, and somebody bids more: Vast will stop instance ${id}, or not start it`,
    );
  }
  if (Math.abs(next.bid - bid) < 1e-6) return;
  await client.changeBid(id, next.bid);
  await say(`the bid for instance ${id} is ${perHour(next.bid)} now, before ${perHour(bid)}`);
}
