import { roundUp } from "../../lib/money.ts";
import { attempt } from "../../lib/problem.ts";
import type { OfferQuery, VastClient } from "../client/client.ts";
import { isVastError } from "../client/errors.ts";
import type { Offer } from "../client/wire.ts";
import { choose, type OfferChoice } from "./choice.ts";
import type { OfferCriteria } from "./criteria.ts";
import { explain } from "./exclusion.ts";
import { canonicalGpu, nearestGpu } from "./gpu-name.ts";
import type { Searches } from "./quotes.ts";

/** What the market has for us. */
export interface Market {
  /** Cheapest first, one a machine, `maxOffers` at most. */
  readonly choices: readonly OfferChoice[];
  /** When nothing fits: which filter excludes how many, and the nearest offer; else "". */
  readonly excluded: string;
  /** When nothing fits: the criterion to change first; else null. */
  readonly blame: keyof OfferCriteria | null;
}

export interface MarketOptions {
  /** Machines that were tried and are not wanted again. */
  readonly skipMachines?: ReadonlySet<number>;
  /** Also look up the on-demand price beside a bid (one more call, beside the first); default true. */
  readonly onDemandPrice?: boolean;
  /** Answers of the last minute, to be used again; default: none are, as before a rental. */
  readonly shared?: Searches | undefined;
  /** Ends the waits between searches, with `aborted`. */
  readonly signal?: AbortSignal;
}

type Manner = Pick<MarketOptions, "signal" | "shared">;

/** One page, from the market or from a search of the last minute. */
async function pageOf(client: VastClient, query: OfferQuery, manner: Manner): Promise<Offer[]> {
  const { shared } = manner;
  if (shared === undefined) return client.searchOffers(query, manner);
  const key = { who: `${client.apiUrl}\n${client.keyFingerprint(shared.nonce)}`, query };
  const known = shared.get(key);
  if (known !== undefined) return known;
  const rows = await client.searchOffers(query, manner);
  // On a full disk the next one searches again.
  attempt("", () => shared.put(key, rows));
  return rows;
}

/** Searches the market. Throws VastError when Vast cannot be asked; "nothing fits" is an answer. */
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
  // Unknown to us, or nobody offers it under that name: ask the market how it is spelled.
  const names = await client.gpuNames();
  const listed = canonicalGpu(criteria.gpu, names);
  if (listed === undefined && known === undefined) return unknownGpu(criteria.gpu, names);
  const found = listed === undefined || listed === known ? undefined : await search(client, listed, criteria, options);
  return found ?? nobodyOffers(listed ?? known ?? criteria.gpu, criteria);
}

function unknownGpu(asked: string, names: readonly string[]): Market {
  const nearest = nearestGpu(asked, names);
  const hint = nearest === undefined ? "" : `; the nearest name on the market is "${nearest}"`;
  return { choices: [], excluded: `Vast has no GPU called "${asked}"${hint}`, blame: "gpu" };
}

function nobodyOffers(gpu: string, { rental }: OfferCriteria): Market {
  return { choices: [], excluded: `nobody offers ${gpu} (${rental}) at the moment`, blame: "gpu" };
}

/** undefined = there is not one offer of this name, of whatever kind. */
async function search(
  client: VastClient,
  gpu: string,
  criteria: OfferCriteria,
  options: MarketOptions,
): Promise<Market | undefined> {
  const skip = options.skipMachines ?? new Set();
  const query = offerQuery(gpu, criteria);
  const beside = criteria.rental === "interruptible" && (options.onDemandPrice ?? true);
  const [rows, onDemand] = await Promise.all([
    pages(client, query, (seen, last) => wantsMore(choose(seen, gpu, criteria, skip), last, criteria), options),
    beside ? onDemandPrices(client, query, options) : new Map<number, number>(),
  ]);
  const choices = choose(rows, gpu, criteria, skip).slice(0, criteria.maxOffers);
  if (choices.length > 0) return { choices: withOnDemand(choices, onDemand), excluded: "", blame: null };
  const all = await pages(client, anyOffer(gpu, criteria), () => true, options);
  return all.length === 0 ? undefined : { choices: [], ...explain(all, gpu, criteria, skip) };
}

/** The most rows that Vast sends, whatever the limit. */
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
    // Makes dph_total, by which the rows are ordered, the price with our disk.
    allocated_storage: diskGb,
    order: [["dph_total", "asc"]],
    limit: PAGE,
  };
}

/** Rows in order of price, page by page while pages are full and `more` wants them. */
async function pages(
  client: VastClient,
  query: OfferQuery,
  more: (seen: readonly Offer[], lastPrice: number) => boolean,
  manner: Manner,
): Promise<Offer[]> {
  const seen = new Map<number, Offer>();
  let from: OfferQuery = {};
  for (let page = 0; page < MAX_PAGES; page++) {
    const rows = await pageOf(client, { ...query, ...from }, manner);
    const fresh = rows.filter(({ id }) => !seen.has(id));
    for (const offer of fresh) seen.set(offer.id, offer);
    const last = rows.at(-1)?.totalPerHour ?? 0;
    if (rows.length < PAGE || fresh.length === 0 || !more([...seen.values()], last)) break;
    from = { dph_total: { gte: last } };
  }
  return [...seen.values()];
}

/** Could a row beyond the last page, none cheaper than `last`, still change the choice? */
function wantsMore(choices: readonly OfferChoice[], last: number, criteria: OfferCriteria): boolean {
  if (last > criteria.maxPricePerHour) return false;
  const worst = choices[criteria.maxOffers - 1];
  return worst === undefined || worst.totalPerHour > last;
}

/** On-demand prices by offer id. They are only shown, so a search that fails leaves them out. */
async function onDemandPrices(client: VastClient, query: OfferQuery, manner: Manner): Promise<Map<number, number>> {
  try {
    const offers = await pageOf(client, { ...query, type: "on-demand" }, manner);
    return new Map(offers.map(({ id, gpuPerHour }) => [id, roundUp(gpuPerHour)]));
  } catch (error) {
    if (!isVastError(error)) throw error;
    return new Map();
  }
}

function withOnDemand(choices: readonly OfferChoice[], prices: ReadonlyMap<number, number>): OfferChoice[] {
  return choices.map((choice) => ({
    ...choice,
    onDemandPerHour: choice.onDemandPerHour ?? prices.get(choice.offerId) ?? null,
  }));
}
