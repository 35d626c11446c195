import { perHour } from "../../lib/money.ts";
import { instanceNow } from "../client/instance-list.ts";
import { isOutbid, phaseOf } from "../client/phase.ts";
import { postpone } from "../lease/lease.ts";
import { LEAST_MINUTES } from "../lease/moment.ts";
import { type BidTerms, nextBidOf } from "../market/bidding.ts";
import { onDemandOfInstance, onDemandText } from "../market/on-demand.ts";
import { note } from "../ready/experience.ts";
import type { Means } from "../ready/means.ts";
import type { Moved, VastBidInputs } from "./bid.ts";

/**
 * Adapts the bid of an instance to cap and markup, and says what it could not do. Answers with the old and the new
 * price; null = it stays, or Vast does not say it. Throws when Vast knows no such instance, or not its bid.
 */
export async function rebid(
  { client, prices, ledger, events, say }: Pick<Means, "client" | "prices" | "ledger" | "events" | "say">,
  inputs: Pick<VastBidInputs, "instanceId" | "maxPricePerHour" | "bidMarkup">,
  standing: Pick<BidTerms, "floor" | "markupBefore">,
): Promise<Moved | null> {
  const { instanceId, maxPricePerHour, bidMarkup: markup } = inputs;
  const id = Number(instanceId);
  const instance = await instanceNow(client, id);
  if (instance === undefined) {
    throw new Error(`instance ${id} is not to be found at Vast; pulumi up --refresh rents a new one when it is gone`);
  }
  const { gpuPerHour: bid, diskPerHour, machineId, gpus } = instance;
  if (bid === null) throw new Error(`Vast does not say what is bid for instance ${id}; try again`);
  const onDemand = await onDemandOfInstance({ client, prices }, instance);
  const held = phaseOf(instance).phase !== "stopped";
  const terms = { ...standing, held, room: maxPricePerHour - (diskPerHour ?? 0), markup };
  const next = nextBidOf({ ...instance, gpuPerHour: bid }, terms, { onDemand, prices });
  const dear = next.limit === "on-demand" && onDemand !== null ? onDemandText(onDemand) : null;
  if (dear !== null && bid > next.bid - 1e-6)
    await say(
      `on demand instance ${id} would cost ${dear}, and no bid is made at or above that; rental on-demand rents one that nobody can take away`,
    );
  if (!next.wins) {
    const bounds = dear === null ? `${perHour(maxPricePerHour)} with the disk` : "the price on demand";
    await say(
      `${perHour(next.bid)} is the highest bid that ${bounds} allows, and too low: Vast will stop instance ${id}, or not start it`,
    );
  }
  if (next.wins && isOutbid(instance)) note({ ledger, prices }, instance, { what: "outbid" });
  if (Math.abs(next.bid - bid) < 1e-6) return null;
  if (machineId !== null && gpus !== null)
    prices.noteBid({ machineId, gpus }, { perHour: next.bid, floor: next.floor });
  // A bid that wins starts it.
  if (!held) await postpone(client, id, LEAST_MINUTES);
  await client.changeBid(id, next.bid);
  events?.note({ what: "bid moved", instance: id, gpuPerHour: next.bid });
  await say(`the bid for instance ${id} is ${perHour(next.bid)} now, before ${perHour(bid)}`);
  const { totalPerHour } = instance;
  return totalPerHour === null ? null : { from: totalPerHour, to: totalPerHour - bid + next.bid };
}
