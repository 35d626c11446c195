import { perHour } from "../../lib/money.ts";
import { type CheckFailure, isUnknown } from "../../pulumi/lifecycle.ts";
import { isPassing, isVastError } from "../client/errors.ts";
import { rateOf } from "../client/phase.ts";
import type { Account, Instance } from "../client/wire.ts";
import { type Pull, type Pulled, UNKNOWN_PULL } from "../ledger/pull.ts";
import { criteriaOf, type OfferCriteria } from "../market/criteria.ts";
import type { Market } from "../market/offers.ts";
import { onDemandHint, type Quote, quoteLine, quoteOf } from "../market/quote.ts";
import type { QuotedFor } from "../market/quotes.ts";
import { type RawInputs, readInputs, type VastInstanceInputs } from "./instance.inputs.ts";
import type { CheckedInputs } from "./instance.outputs.ts";

/** What a check needs of the world. */
export interface CheckMeans {
  market(criteria: OfferCriteria, pull: Pull): Promise<Market>;
  /** What there is to pull, and on which machines less. */
  pull(image: Pulled): Promise<Pull>;
  account(): Promise<Account>;
  /** What an earlier run that was interrupted has rented under this label, and left; undefined = nothing lives. */
  left(label: string): Promise<Instance | undefined>;
  /** Why a machine could not pull the image of these inputs; undefined = it could, or nobody can tell now. */
  imageTrouble(inputs: VastInstanceInputs): Promise<string | undefined>;
  /** The quote that a preview has just made for the same thing. */
  kept(asked: QuotedFor): Quote | undefined;
  keep(asked: QuotedFor, quote: Quote): void;
  /** What the ledger of machines says of the quoted one: a line, or "". */
  known(quote: Quote): Promise<string>;
  say(text: string): Promise<void>;
}

export interface Checked {
  readonly inputs: CheckedInputs;
  readonly failures: CheckFailure[];
}

/**
 * Validates the inputs and quotes an offer. The market is searched when the instance is not in the state yet; later
 * runs keep the old quote, so that a moving market never shows as a change. When Vast cannot be asked, or a machine of
 * an earlier run is there to be taken over, there is no quote, and no failure either.
 *
 * @param olds inputs in the state; empty = a new instance, or one that replaces another
 */
export async function checkInstance(
  olds: Partial<CheckedInputs>,
  news: RawInputs,
  means: CheckMeans,
): Promise<Checked> {
  const { inputs, failures } = readInputs(news);
  const kept = olds.label === undefined ? undefined : (olds.quote ?? null);
  if (kept !== undefined || failures.length > 0) return { inputs: { ...inputs, quote: kept ?? null }, failures };
  const criteria = criteriaOf(inputs);
  const answer = Object.values(criteria).some(isUnknown) ? {} : await promise(criteria, inputs, means);
  return { inputs: { ...inputs, quote: answer.quote ?? null }, failures: answer.failures ?? [] };
}

interface QuoteResult {
  readonly quote?: Quote;
  readonly failures?: CheckFailure[];
}

async function promise(criteria: OfferCriteria, inputs: VastInstanceInputs, means: CheckMeans): Promise<QuoteResult> {
  const asked = quotedFor(criteria, inputs);
  const kept = means.kept(asked);
  if (kept !== undefined) {
    await tell(kept, means);
    return { quote: kept };
  }
  try {
    const left = isUnknown(inputs.label) ? undefined : await means.left(inputs.label);
    if (left !== undefined) {
      await means.say(takeOverText(left));
      return {};
    }
    const pull = await pullNow(asked, inputs, means);
    const [found, account, trouble] = await Promise.all([
      // Without a search the other checks still run.
      means
        .market(criteria, pull)
        .catch((error) => (isVastError(error, "search_quota") ? error : Promise.reject(error))),
      means.account(),
      isUnknown(inputs.image) ? undefined : means.imageTrouble(inputs),
    ]);
    if (trouble !== undefined) return failure("image", trouble);
    if (found instanceof Error) throw found;
    return await answerOf(found, account, { asked, pull }, means);
  } catch (error) {
    if (isVastError(error, "config")) return failure("apiUrl", error.message);
    if (isVastError(error, "auth", "no_key", "forbidden")) return failure("apiKeyFile", error.message);
    if (!isPassing(error)) throw error;
    await means.say(`the market cannot be asked now, so nothing is quoted: ${(error as Error).message}`);
    return {};
  }
}

/** What the quote of these inputs is asked for. */
export function quotedFor(criteria: OfferCriteria, { imageBytes, cachedBase }: VastInstanceInputs): QuotedFor {
  const known = isUnknown(imageBytes) ? null : (imageBytes ?? null);
  // Without a base the key is that of an earlier version, whose quotes are still good.
  return { criteria, imageBytes: known, ...(cachedBase ? { cachedBase } : {}) };
}

/** Nothing but its size is known of an image that is yet to be built. */
async function pullNow(
  { imageBytes, cachedBase = "" }: QuotedFor,
  { image }: VastInstanceInputs,
  means: CheckMeans,
): Promise<Pull> {
  if (isUnknown(image)) return { ...UNKNOWN_PULL, bytes: imageBytes };
  return means.pull({ image, imageBytes, cachedBase });
}

/** "instance 7 of an earlier run is taken over: 1x H100 SXM in Texas, US, $2.415/h" */
function takeOverText(instance: Instance): string {
  const { id, gpus, gpu, location } = instance;
  const rate = rateOf(instance);
  const what = gpu === null ? [] : [`${gpus ?? "?"}x ${gpu}${location === null ? "" : ` in ${location}`}`];
  const facts = [...what, ...(rate === null ? [] : [perHour(rate)])];
  return `instance ${id} of an earlier run is taken over${facts.length === 0 ? "" : `: ${facts.join(", ")}`}`;
}

async function answerOf(
  { choices, passedOver, excluded, blame, onDemandTotal }: Market,
  { credit }: Account,
  { asked, pull }: { readonly asked: QuotedFor; readonly pull: Pull },
  means: CheckMeans,
): Promise<QuoteResult> {
  const [best] = choices;
  if (best === undefined) return failure(blame ?? "gpu", excluded);
  const quote = quoteOf(best, pull);
  if (credit !== null && credit < quote.totalPerHour) {
    const price = perHour(quote.totalPerHour);
    return failure(
      "maxPricePerHour",
      `the account has $${credit.toFixed(2)}, less than one hour of the best offer (${price}); add credit at Vast`,
    );
  }
  means.keep(asked, quote);
  await tell(quote, means);
  if (passedOver !== "") await means.say(passedOver);
  const hint = onDemandHint(quote, onDemandTotal);
  if (hint !== undefined) await means.say(hint);
  return { quote };
}

async function tell(quote: Quote, means: CheckMeans): Promise<void> {
  await means.say(quoteLine(quote));
  const known = await means.known(quote);
  if (known !== "") await means.say(known);
}

function failure(property: string, reason: string): QuoteResult {
  return { failures: [{ property, reason }] };
}
