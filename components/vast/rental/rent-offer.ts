import { factsOfOffer } from "../../events/news.ts";
import { momentOf } from "../../lib/clock.ts";
import { perHour } from "../../lib/money.ts";
import { isVastError, type VastError, type VastErrorKind } from "../client/errors.ts";
import { LATE_MS, WINDOW_MS } from "../client/instance-list.ts";
import type { Renter } from "../client/same-account.ts";
import { stackOf } from "../journal/journal.ts";
import type { Quote } from "../market/quote.ts";
import type { Means } from "../ready/means.ts";
import { releaseOrStrand } from "./release.ts";
import { nobodyWaits, type RentalRequest, rentOrderOf } from "./rental-request.ts";
import { rentedAs } from "./settle.ts";

/** An instance, or why this offer gave none. `gone` = there is no offer of this id any more. */
export type Attempt = { readonly instanceId: number } | { readonly passed: string; readonly gone?: boolean };

/** Errors of the account or the stack: every other offer would fail too. */
const ACCOUNT: VastErrorKind[] = ["auth", "no_key", "config", "no_credit", "spend_limit", "forbidden"];
/** Errors of a rental after which nothing can have been rented. */
const NOTHING_RENTED: VastErrorKind[] = [...ACCOUNT, "offer_gone", "invalid", "rate_limited", "unreachable", "aborted"];

/** How often at least the list is looked at before "nothing was rented" is believed. */
const UNCLEAR_LOOKS = 4;

/**
 * Rents one offer: writes the intent to the journal, sends the rental once, and settles an unclear answer by looking
 * for the label. Nothing is sent once the engine is gone. Throws when every other offer would fail too, or when an
 * unclear answer cannot be settled; then the intent stays open for the next run.
 *
 * @param untouched nothing lives under the label, so no step of ours has begun on what comes of it
 */
export async function rentOffer(
  means: Means,
  request: RentalRequest,
  offer: Quote,
  renter: Renter,
  untouched = true,
): Promise<Attempt> {
  const { journal, clock, client, engine, prices, progress, say } = means;
  const { label, urn, target } = request;
  if (!(await engine.alive()) || engine.signal.aborted) throw nobodyWaits();
  const { offerId, totalPerHour } = offer;
  let at = clock.now();
  const onLeave = () => {
    const moment = momentOf(clock);
    at = moment.at;
    const wish = { label, urn, ...target, offerId, perHour: totalPerHour, untouched };
    journal.open({ ...wish, ...moment, ...renter });
    if (offer.bidPerHour !== null)
      prices.noteBid(offer, { perHour: offer.bidPerHour, floor: offer.minBidPerHour ?? null });
  };
  progress(`renting offer ${offer.offerId}`);
  try {
    const instanceId = await client.rent(offer.offerId, rentOrderOf(request, offer, client.apiUrl), {
      signal: engine.signal,
      // It may have waited for its turn, and the engine may have ended meanwhile.
      mayLeave: () => engine.alive(),
      onLeave,
    });
    noteRented(means, request, offer, instanceId);
    await noteOrRelease(means, label, instanceId, totalPerHour);
    await say(`rented offer ${offer.offerId} for ${perHour(offer.totalPerHour)}: instance ${instanceId}`);
    return { instanceId };
  } catch (error) {
    if (!isVastError(error)) throw error;
    if (error.newContract !== undefined) return dropContract(means, label, error, error.newContract);
    if (!NOTHING_RENTED.includes(error.kind)) {
      const attempt = await settleUnclear(means, label, error, at);
      if ("instanceId" in attempt) noteRented(means, request, offer, attempt.instanceId);
      return attempt;
    }
    journal.close(label);
    if (error.kind !== "offer_gone") throw error;
    return { passed: `offer ${offer.offerId} is taken`, gone: true };
  }
}

function noteRented({ events }: Means, { label, urn, target }: RentalRequest, offer: Quote, instance: number): void {
  const stack = stackOf({ urn });
  const { apiUrl, apiKeyFile } = target;
  const whose = { run: label, ...(stack === undefined ? {} : { stack }), api: { apiUrl, apiKeyFile } };
  events?.note({ what: "rented", ...whose, ...factsOfOffer(offer), instance });
}

/** Releases what Vast rented although it refused: such an instance never gets its GPUs, and bills its disk. */
async function dropContract(means: Means, label: string, error: VastError, id: number): Promise<Attempt> {
  const { journal, clock } = means;
  try {
    journal.note(label, id);
  } finally {
    // Released even when it could not be noted.
    await releaseOrStrand(means, id, { label, rentedAt: clock.now() });
  }
  journal.closeInstance(id);
  if (ACCOUNT.includes(error.kind)) throw error;
  return { passed: error.message };
}

/** Notes the id, or releases the machine: without a note it would be lost with this process. */
async function noteOrRelease(means: Means, label: string, id: number, perHour: number | null): Promise<void> {
  const { journal, clock, say } = means;
  try {
    journal.note(label, id);
  } catch (error) {
    const { message } = error as Error;
    await say(`instance ${id} cannot be noted, so it is released: ${message}`);
    await releaseOrStrand(means, id, { label, perHour, rentedAt: clock.now() });
    closeIfItCan(journal, label);
    throw new Error(`instance ${id} could not be noted, and is released again: ${message}`);
  }
}

/** On a full disk the intent stays open, and the next run settles it. */
function closeIfItCan(journal: Means["journal"], label: string): void {
  try {
    journal.close(label);
  } catch {
    // The error of the disk has been reported.
  }
}

/** The rental may have happened, or may still happen: looks for its label. @param sentAt milliseconds */
async function settleUnclear(means: Means, label: string, error: VastError, sentAt: number): Promise<Attempt> {
  const { journal, clock, say } = means;
  await say(`the answer to a rental is unclear; looking for what came of it (${error.message})`);
  const rows = await rentedAs(means, label, WINDOW_MS + Math.max(clock.now() - LATE_MS, sentAt), UNCLEAR_LOOKS).catch(
    (reason: Error) => {
      throw new Error(
        `${error.message}; what came of it cannot be seen now (${reason.message}): the next run or destroy settles it`,
      );
    },
  );
  const [first] = rows.toSorted((one, other) => one.id - other.id);
  if (first !== undefined) {
    await noteOrRelease(means, label, first.id, first.totalPerHour);
    await say(`it was rented: instance ${first.id}`);
    return { instanceId: first.id };
  }
  journal.close(label);
  return { passed: `nothing was rented (${error.message})` };
}
