import { perHour } from "../../lib/money.ts";
import type { OfferCriteria } from "./criteria.ts";
import { type ComparedOffer, leastPrice, type Misfit, misfits, noBidIsLess } from "./fit.ts";
import { diskPerHour } from "./price.ts";

/** Why nothing fits. */
export interface Exclusion {
  /** Which filter excludes how many, and the nearest offer. */
  readonly excluded: string;
  /** The criterion to change first; null = none would help. */
  readonly blame: keyof OfferCriteria | null;
}

interface Rejected {
  readonly offer: ComparedOffer;
  readonly why: readonly Misfit[];
}

/** Says why none of these offers fits: how many each filter excludes, and which offer is nearest. */
export function explain(
  offers: readonly ComparedOffer[],
  gpu: string,
  criteria: OfferCriteria,
  skip: (offer: ComparedOffer) => boolean,
): Exclusion {
  const tried: Misfit = {
    criterion: null,
    what: "on machines already tried or in use by us",
    found: "already tried or in use by us",
  };
  const rejected = offers.map((offer) => ({
    offer,
    why: [...(skip(offer) ? [tried] : []), ...misfits(offer, gpu, criteria)],
  }));
  const nearest = rejected.reduce((best, next) => (isNearer(next, best, criteria) ? next : best));
  const head = `none of ${offers.length} ${offers.length === 1 ? "offer" : "offers"} of ${gpu} (${criteria.rental}) fits`;
  const isForOnDemand = rejected.some((each) => fitsOnDemand(each, criteria));
  const blame = nearest.why.find(({ criterion }) => criterion !== null)?.criterion ?? null;
  const sizes = blame === "gpus" ? `; ${sizesText(offers)}` : "";
  return {
    excluded: `${head}: ${counts(rejected)}${sizes}; ${nearestText(nearest, criteria)}${isForOnDemand ? HINT : ""}`,
    blame: blame ?? (isForOnDemand ? "rental" : null),
  };
}

/** Nearer = fewer reasons against it, then a smaller price. */
function isNearer(one: Rejected, other: Rejected, criteria: OfferCriteria): boolean {
  if (one.why.length !== other.why.length) return one.why.length < other.why.length;
  return leastPrice(one.offer, criteria) < leastPrice(other.offer, criteria);
}

/** "12 not verified (verified), 30 above $1.000/h (maxPricePerHour)"; an offer may count in several. */
function counts(rejected: readonly Rejected[]): string {
  const byFilter = new Map<string, number>();
  for (const { criterion, what } of rejected.flatMap(({ why }) => why)) {
    const filter = criterion === null ? what : `${what} (${criterion})`;
    byFilter.set(filter, (byFilter.get(filter) ?? 0) + 1);
  }
  return [...byFilter]
    .sort(([, one], [, other]) => other - one)
    .map(([filter, count]) => `${count} ${filter}`)
    .join(", ");
}

/** "on offer are machines with 1, 2, 4, 8 GPUs" */
function sizesText(offers: readonly ComparedOffer[]): string {
  const sizes = [...new Set(offers.map(({ gpus }) => gpus))].sort((one, other) => one - other);
  return `on offer are machines with ${sizes.join(", ")} GPUs`;
}

/** It would fit, were it rented on demand. */
function fitsOnDemand({ offer, why }: Rejected, criteria: OfferCriteria): boolean {
  const isPrice = why.every(({ criterion }) => criterion === "rental" || criterion === "maxPricePerHour");
  if (!isPrice || !noBidIsLess(offer, criteria)) return false;
  return offer.onDemand.perHour + diskPerHour(offer, criteria.diskGb) <= criteria.maxPricePerHour;
}

const HINT = "; on demand costs no more than a bid, and nobody can take it away: pulumi config set rental on-demand";

function nearestText({ offer, why }: Rejected, criteria: OfferCriteria): string {
  const place = offer.location === null ? "" : ` in ${offer.location}`;
  const price = perHour(leastPrice(offer, criteria));
  const reasons = why.map(({ found }) => found).filter((found) => found !== price);
  const list = reasons.length === 0 ? "" : ` (${reasons.join(", ")})`;
  return `nearest is ${offer.gpus}x ${offer.gpu}${place} at ${price}${list}`;
}
