import { perHour } from "../../lib/money.ts";
import { isUnknown } from "../../pulumi/lifecycle.ts";
import { isPassing, isVastError } from "../client/errors.ts";
import type { Account } from "../client/wire.ts";
import type { OfferCriteria } from "../market/criteria.ts";
import { canonicalGpu } from "../market/gpu-name.ts";
import type { Market } from "../market/offers.ts";
import { onDemandHint, type Quote, quoteLine, quoteOf } from "../market/quote.ts";
import { type Failure, invalidInputs } from "./instance.inputs.ts";
import type { CheckedInputs } from "./instance.outputs.ts";
import type { VastInstanceInputs } from "./instance.ts";

/** What a check needs of the world. */
export interface CheckMeans {
  market(criteria: OfferCriteria): Promise<Market>;
  account(): Promise<Account>;
  /** Why a machine could not pull the image of these inputs; undefined = it could, or nobody can tell now. */
  imageTrouble(inputs: VastInstanceInputs): Promise<string | undefined>;
  /** The quote that a preview has just made for the same thing. */
  kept(criteria: OfferCriteria, imageBytes: number | null): Quote | undefined;
  keep(criteria: OfferCriteria, imageBytes: number | null, quote: Quote): void;
  say(text: string): Promise<void>;
}

/** Inputs that are not known yet are text, whatever their type. */
export type RawInputs = { readonly [Key in keyof VastInstanceInputs]: VastInstanceInputs[Key] | string };

export interface Checked {
  readonly inputs: CheckedInputs;
  readonly failures: Failure[];
}

/**
 * Validates, and promises. The market is searched when the instance is not in the state yet; later runs keep what was
 * promised then, so that a moving market never shows as a change. When Vast cannot be asked there is no promise, and no
 * failure either.
 *
 * @param olds inputs in the state; empty = a new instance, or one that replaces another
 */
export async function checkInstance(
  olds: Partial<CheckedInputs>,
  news: RawInputs,
  means: CheckMeans,
): Promise<Checked> {
  const failures = invalidInputs(news);
  const inputs = news as unknown as VastInstanceInputs;
  const gpu = canonicalGpu(inputs.gpu) ?? inputs.gpu;
  const kept = olds.label === undefined ? undefined : (olds.quote ?? null);
  if (kept !== undefined || failures.length > 0) return { inputs: { ...inputs, gpu, quote: kept ?? null }, failures };
  const criteria = criteriaOf({ ...inputs, gpu });
  const answer = Object.values(criteria).some(isUnknown) ? {} : await promise(criteria, inputs, means);
  return { inputs: { ...inputs, gpu, quote: answer.quote ?? null }, failures: answer.failures ?? [] };
}

/** What decides about an offer. */
export function criteriaOf(inputs: OfferCriteria): OfferCriteria {
  const { gpu, gpus, rental, maxPricePerHour, bidMarkup, diskGb } = inputs;
  const { minReliability, minDownloadMbps, minDurationHours, verified, maxOffers } = inputs;
  const hardware = { gpu, gpus, rental, maxPricePerHour, bidMarkup, diskGb };
  return { ...hardware, minReliability, minDownloadMbps, minDurationHours, verified, maxOffers };
}

interface Answer {
  readonly quote?: Quote;
  readonly failures?: Failure[];
}

async function promise(criteria: OfferCriteria, inputs: VastInstanceInputs, means: CheckMeans): Promise<Answer> {
  const imageBytes = isUnknown(inputs.imageBytes) ? null : (inputs.imageBytes ?? null);
  const kept = means.kept(criteria, imageBytes);
  if (kept !== undefined) {
    await means.say(quoteLine(kept));
    return { quote: kept };
  }
  try {
    const [found, account, trouble] = await Promise.all([
      // Without a search the rest is looked at all the same.
      means.market(criteria).catch((error) => (isVastError(error, "search_quota") ? error : Promise.reject(error))),
      means.account(),
      isUnknown(inputs.image) ? undefined : means.imageTrouble(inputs),
    ]);
    if (trouble !== undefined) return failure("image", trouble);
    if (found instanceof Error) throw found;
    return await answerOf(found, account, { criteria, imageBytes }, means);
  } catch (error) {
    if (isVastError(error, "config")) return failure("apiUrl", error.message);
    if (isVastError(error, "auth", "no_key", "forbidden")) return failure("apiKeyFile", error.message);
    if (!isPassing(error)) throw error;
    await means.say(`the market cannot be asked now, so nothing is quoted: ${(error as Error).message}`);
    return {};
  }
}

async function answerOf(
  { choices, excluded, blame, onDemandTotal }: Market,
  { credit }: Account,
  { criteria, imageBytes }: { readonly criteria: OfferCriteria; readonly imageBytes: number | null },
  means: CheckMeans,
): Promise<Answer> {
  const [best] = choices;
  if (best === undefined) return failure(blame ?? "gpu", excluded);
  const quote = quoteOf(best, imageBytes);
  if (credit !== null && credit < quote.totalPerHour) {
    const price = perHour(quote.totalPerHour);
    return failure(
      "maxPricePerHour",
      `the account has $${credit.toFixed(2)}, less than one hour of the best offer (${price}); add credit at Vast`,
    );
  }
  means.keep(criteria, imageBytes, quote);
  await means.say(quoteLine(quote));
  const hint = onDemandHint(quote, onDemandTotal);
  if (hint !== undefined) await means.say(hint);
  return { quote };
}

function failure(property: string, reason: string): Answer {
  return { failures: [{ property, reason }] };
}
