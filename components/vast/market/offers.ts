import { attempt } from "../../lib/problem.ts";
import type { OfferQuery, VastClient } from "../client/client.ts";
import type { Offer } from "../client/wire.ts";
import type { Ledger } from "../ledger/ledger.ts";
import { type Pull, UNKNOWN_PULL } from "../ledger/pull.ts";
import { apart, leastBadFirst, leastBadText, passedText, type Standings } from "../ledger/standing.ts";
import { byCost, choose, type OfferChoice } from "./choice.ts";
import type { OfferCriteria } from "./criteria.ts";
import { explain } from "./exclusion.ts";
import { type ComparedOffer, minBidOf, misfits } from "./fit.ts";
import { canonicalGpu, nearestGpu } from "./gpu-name.ts";
import { isSameSlice, offersOnDemand, onDemandOf, type Search } from "./on-demand.ts";
import { isEcho } from "./price.ts";
import type { Prices } from "./prices.ts";
import type { Searches } from "./quotes.ts";

/** What the market has for us. */
export interface Market {
  /**
   * At most `maxOffers`, one per machine, the cheapest first by what it costs to get and to keep. Machines that failed
   * within a week are left out; when all have failed, they are all in, the least bad first.
   */
  readonly choices: readonly OfferChoice[];
  /** Text on cheaper machines that failed within a week, or on the first choice when all have failed; "" = none. */
  readonly passedOver: string;
  /** For bids: the cheapest on-demand offer that fits, $/h with disk; null = none. */
  readonly onDemandTotal: number | null;
  /** When nothing fits: how many offers each filter excludes, and the nearest offer; else "". */
  readonly excluded: string;
  /** When nothing fits: the criterion to change first; else null. */
  readonly blame: keyof OfferCriteria | null;
}

export interface MarketOptions {
  /** Machines that were tried and must not be chosen again. */
  readonly skipMachines?: ReadonlySet<number>;
  /** Offers that are gone, though the market may still list them. */
  readonly skipOffers?: ReadonlySet<number>;
  /** Prices that were seen and bids that were made before; default none. */
  readonly prices?: Prices;
  /** How machines did before; default: nothing is known. */
  readonly ledger?: Pick<Ledger, "standings"> | undefined;
  /** What there is to pull, by the time when offers are ranked; default: nothing is known of it. */
  readonly pull?: Pull | Promise<Pull>;
  /** Search answers of the last minute that may be reused. Default none; a rental must not reuse any. */
  readonly shared?: Searches | undefined;
  /** Ends the waits between searches, with `aborted`. */
  readonly signal?: AbortSignal;
}

/** Asks the market for a page, or reuses the answer of a search of the last minute. */
function searchOf(client: VastClient, { shared, signal }: MarketOptions): Search {
  const ask = (query: OfferQuery) => client.searchOffers(query, signal === undefined ? {} : { signal });
  if (shared === undefined) return ask;
  const who = `${client.apiUrl}\n${client.keyFingerprint(shared.nonce)}`;
  return async (query) => {
    const known = shared.get({ who, query });
    if (known !== undefined) return known;
    const rows = await ask(query);
    // When the disk is full the answer is not kept, and the next caller searches again.
    attempt("", () => shared.put({ who, query }, rows));
    return rows;
  };
}

/**
 * Searches the market; for bids also the on-demand market, with which every bid is compared. Throws VastError when Vast
 * cannot be asked; "nothing fits" is an answer, not an error.
 */
export async function market(
  client: VastClient,
  criteria: OfferCriteria,
  options: MarketOptions = {},
): Promise<Market> {
  const known = criteria.gpu === "" ? "" : canonicalGpu(criteria.gpu);
  if (known !== undefined) {
    const found = await search(client, known, criteria, options);
    if (found !== undefined) return found;
  }
  if (known === "") return nobodyOffers("any GPU", criteria);
  // Not a known name, or nobody offers it: ask the market how it is spelled.
  const names = await client.gpuNames();
  const listed = canonicalGpu(criteria.gpu, names);
  if (listed === undefined && known === undefined) return unknownGpu(criteria.gpu, names);
  const found = listed === undefined || listed === known ? undefined : await search(client, listed, criteria, options);
  return found ?? nobodyOffers(listed ?? known ?? criteria.gpu, criteria);
}

const NOTHING = { choices: [], passedOver: "", onDemandTotal: null };

function unknownGpu(asked: string, names: readonly string[]): Market {
  const nearest = nearestGpu(asked, names);
  const hint = nearest === undefined ? "" : `; the nearest name on the market is "${nearest}"`;
  return { ...NOTHING, excluded: `Vast has no GPU called "${asked}"${hint}`, blame: "gpu" };
}

function nobodyOffers(gpu: string, { rental }: OfferCriteria): Market {
  return { ...NOTHING, excluded: `nobody offers ${gpu} (${rental}) at the moment`, blame: "gpu" };
}

/** undefined = no offer of any kind has this GPU name. */
async function search(
  client: VastClient,
  gpu: string,
  criteria: OfferCriteria,
  options: MarketOptions,
): Promise<Market | undefined> {
  const { skipMachines, skipOffers, prices, pull = UNKNOWN_PULL } = options;
  const known = options.ledger?.standings() ?? { now: 0, all: [] };
  const skip = ({ id, machineId }: Offer) => skipMachines?.has(machineId) === true || skipOffers?.has(id) === true;
  const query = offerQuery(gpu, criteria);
  const ask = searchOf(client, options);
  const onDemand = criteria.rental === "interruptible" ? offersOnDemand(ask, query) : Promise.resolve([]);
  // It is awaited only after the first page; if that page fails, this promise must not reject unhandled.
  onDemand.catch(() => {});
  const compared = async (rows: readonly Offer[]) => compare(rows, await onDemand, prices);
  const rows = await pages(ask, query, async (seen, last) =>
    wantsMore(apart(choose(await compared(seen), gpu, criteria, skip), known).open, last, criteria),
  );
  const fitting = byCost(choose(await compared(rows), gpu, criteria, skip), await pull, criteria);
  const { choices, passedOver } = offered(fitting, known, criteria.maxOffers);
  for (const choice of choices)
    if (choice.onDemandOf === "machine" || choice.rental === "on-demand")
      prices?.noteOnDemand(choice, choice.onDemandPerHour ?? 0);
  const [beside] = choose(await onDemand, gpu, { ...criteria, rental: "on-demand" }, skip);
  const onDemandTotal = beside?.totalPerHour ?? null;
  if (choices.length > 0) return { choices, passedOver, onDemandTotal, excluded: "", blame: null };
  const all = await pages(ask, anyOffer(gpu, criteria), async () => true);
  if (all.length === 0) return undefined;
  return { ...NOTHING, onDemandTotal, ...explain(await compared(all), gpu, criteria, skip) };
}

/** The best choices among the offers that fit. @param most limit of choices */
function offered(
  fitting: readonly OfferChoice[],
  known: Standings,
  most: number,
): Pick<Market, "choices" | "passedOver"> {
  const { open, passed } = apart(fitting, known);
  const [cheapest] = open;
  if (cheapest !== undefined) {
    const cheaper = passed.filter(({ offer }) => offer.totalPerHour <= cheapest.totalPerHour);
    return { choices: open.slice(0, most), passedOver: passedText(cheaper, known.now) };
  }
  const byFaults = leastBadFirst(passed);
  const passedOver = byFaults[0] === undefined ? "" : leastBadText(byFaults[0], known.now);
  return { choices: byFaults.slice(0, most).map(({ offer }) => offer), passedOver };
}

/** A row of the market, and what the planner thinks of it. */
export interface Seen {
  readonly offer: ComparedOffer;
  /** What would be rented; absent = the offer is passed over. */
  readonly choice?: OfferChoice;
  /** Why the offer is passed over; "" = it is not. */
  readonly why: string;
}

/**
 * The cheapest page of the market without the filters of `market`; one search for each kind of rental. First the offers
 * that fit, in the order of trying, then those passed over. Empty for a GPU that nobody offers. Throws VastError.
 */
export async function marketRows(
  client: VastClient,
  criteria: OfferCriteria,
  options: MarketOptions = {},
): Promise<Seen[]> {
  const gpu = criteria.gpu === "" ? "" : (canonicalGpu(criteria.gpu) ?? criteria.gpu);
  const query = { ...anyOffer(gpu, criteria), num_gpus: { eq: criteria.gpus } };
  const ask = searchOf(client, options);
  const onDemand = criteria.rental === "interruptible" ? await offersOnDemand(ask, query) : [];
  const offers = compare(await ask(query), onDemand, options.prices);
  const known = options.ledger?.standings() ?? { now: 0, all: [] };
  const fitting = byCost(choose(offers, gpu, criteria), (await options.pull) ?? UNKNOWN_PULL, criteria);
  const { choices } = offered(fitting, known, fitting.length);
  const { passed } = apart(fitting, known);
  const seen = offers.map((offer): Seen => {
    const choice = choices.find(({ offerId }) => offerId === offer.id);
    if (choice !== undefined) return { offer, choice, why: "" };
    const failed = passed.filter((each) => each.offer.offerId === offer.id);
    if (failed.length > 0) return { offer, why: passedText(failed, known.now) };
    const found = misfits(offer, gpu, criteria).map((misfit) => misfit.found);
    return { offer, why: found.join(", ") || "another offer of the machine is cheaper" };
  });
  const rank = ({ choice }: Seen) => (choice === undefined ? choices.length : choices.indexOf(choice));
  return seen.toSorted((one, other) => rank(one) - rank(other));
}

/** Adds to each offer the on-demand price to compare a bid with, and the price to which a markup is added. */
function compare(rows: readonly Offer[], onDemand: readonly Offer[], prices: Prices | undefined): ComparedOffer[] {
  return rows.map((row) => {
    const bids = prices?.bids(row) ?? [];
    const ours = bids.findLast(({ perHour }) => isEcho(minBidOf(row), [perHour]));
    const floor = ours?.floor ?? null;
    return {
      ...row,
      onDemand: onDemandOf(row, onDemand, prices?.onDemand(row)),
      ...(floor === null ? {} : { markupFrom: Math.min(floor, minBidOf(row)) }),
    };
  });
}

/** The most rows that Vast sends, whatever limit is asked for. */
const PAGE = 64;
const MAX_PAGES = 8;

/** The search, in Vast's grammar. */
export function offerQuery(gpu: string, criteria: OfferCriteria): OfferQuery {
  return {
    ...anyOffer(gpu, criteria),
    num_gpus: { eq: criteria.gpus },
    rentable: { eq: true },
    external: { eq: false },
    direct_port_count: { gte: 1 },
    reliability2: { gte: criteria.minReliability },
    inet_down: { gte: criteria.minDownloadMbps },
    duration: { gte: criteria.minDurationHours * 3600 },
    disk_space: { gte: criteria.diskGb },
    ...(criteria.verified ? { verified: { eq: true } } : {}),
    ...(criteria.virtual ? { vms_enabled: { eq: true }, hosting_type: { eq: 1 } } : {}),
  };
}

function anyOffer(gpu: string, { rental, diskGb }: OfferCriteria): OfferQuery {
  return {
    type: rental === "interruptible" ? "bid" : "on-demand",
    ...(gpu === "" ? {} : { gpu_name: { eq: gpu } }),
    // With this, dph_total, by which the rows are ordered, includes our disk.
    allocated_storage: diskGb,
    order: [["dph_total", "asc"]],
    limit: PAGE,
  };
}

/** Rows in order of price. Fetches another page while the last one was full and `more` asks for it. */
async function pages(
  ask: Search,
  query: OfferQuery,
  more: (seen: readonly Offer[], lastPrice: number) => Promise<boolean>,
): Promise<Offer[]> {
  const seen: Offer[] = [];
  let from: OfferQuery = {};
  for (let page = 0; page < MAX_PAGES; page++) {
    const rows = await ask({ ...query, ...from });
    // Compared by slice: an offer's id may have changed between two pages.
    const fresh = rows.filter((row) => !seen.some((known) => isSameSlice(known, row)));
    seen.push(...fresh);
    const last = rows.at(-1)?.totalPerHour ?? 0;
    if (rows.length < PAGE || fresh.length === 0 || !(await more(seen, last))) break;
    from = { dph_total: { gte: last } };
  }
  return seen;
}

/** Could rows of a next page, all at least as dear as `last`, still change the choice? */
function wantsMore(choices: readonly OfferChoice[], last: number, criteria: OfferCriteria): boolean {
  if (last > criteria.maxPricePerHour) return false;
  const worst = choices[criteria.maxOffers - 1];
  return worst === undefined || worst.totalPerHour > last;
}
