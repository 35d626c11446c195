import { perHour, roundUp } from "../../lib/money.ts";
import type { OfferQuery, VastClient } from "../client/client.ts";
import { isVastError } from "../client/errors.ts";
import type { Instance, Offer } from "../client/wire.ts";
import type { SeenPrice, Slice } from "../ledger/line.ts";
import type { Prices } from "./prices.ts";

/** Whose price it is: this slice's now, this slice's when last seen, or the cheapest of the same GPU and number. */
export const WHOSE = ["machine", "earlier", "others"] as const;

/** What a bid is compared with, $/h without disk. */
export interface OnDemand {
  readonly perHour: number;
  readonly of: (typeof WHOSE)[number];
  /** Milliseconds since 1970, of `earlier`; else null. */
  readonly at: number | null;
}

/** Asks the market for one page. */
export type Search = (query: OfferQuery) => Promise<Offer[]>;

export function isSameSlice(one: Slice, other: Slice): boolean {
  return one.machineId === other.machineId && one.gpus === other.gpus;
}

/** @param rows of an on-demand search; slices that are rented on demand, or beyond its first page, are missing */
export function onDemandOf(
  slice: Slice & { readonly gpu: string },
  rows: readonly Offer[],
  seen: SeenPrice | undefined,
): OnDemand | null {
  const own = least(rows.filter((row) => isSameSlice(row, slice)));
  if (own !== undefined) return { perHour: own, of: "machine", at: null };
  if (seen !== undefined) return { ...seen, of: "earlier" };
  const other = least(rows.filter(({ gpu, gpus }) => gpu === slice.gpu && gpus === slice.gpus));
  return other === undefined ? null : { perHour: other, of: "others", at: null };
}

function least(rows: readonly Offer[]): number | undefined {
  return rows.length === 0 ? undefined : Math.min(...rows.map(({ gpuPerHour }) => gpuPerHour));
}

/** "$2.130/h", and whose price that is unless it is this machine's own of today. */
export function onDemandText({ perHour: price, of, at }: OnDemand): string {
  const text = perHour(roundUp(price));
  if (of === "others") return `${text}, the cheapest of the kind`;
  if (at === null) return text;
  return `${text} when last seen, ${new Date(at).toISOString().slice(0, 16).replace("T", " ")} UTC`;
}

/**
 * On-demand offers. They only serve for comparison, so a failed search counts as none. But when Vast refuses the key,
 * nothing must be bid: throws VastError `auth` or `forbidden`.
 */
export async function offersOnDemand(ask: Search, query: OfferQuery): Promise<Offer[]> {
  try {
    return await ask({ ...query, type: "on-demand" });
  } catch (error) {
    if (!isVastError(error) || isVastError(error, "auth", "forbidden", "no_key", "config")) throw error;
    return [];
  }
}

/** What an instance would cost on demand: one search, a second when its machine is neither listed nor remembered. */
export async function onDemandOfInstance(
  { client, prices }: { readonly client: VastClient; readonly prices: Prices },
  { machineId, gpus, gpu }: Instance,
): Promise<OnDemand | null> {
  if (machineId === null || gpus === null) return null;
  const slice = { machineId, gpus, gpu: gpu ?? "" };
  const ask: Search = (query) => client.searchOffers(query);
  const own = await offersOnDemand(ask, { machine_id: { eq: machineId }, num_gpus: { eq: gpus } });
  const found = onDemandOf(slice, own, prices.onDemand(slice));
  if (found?.of === "machine") prices.noteOnDemand(slice, found.perHour);
  if (found !== null || gpu === null) return found;
  return onDemandOf(slice, await offersOnDemand(ask, ofKind(gpu, gpus)), undefined);
}

function ofKind(gpu: string, gpus: number): OfferQuery {
  return {
    gpu_name: { eq: gpu },
    num_gpus: { eq: gpus },
    verified: { eq: true },
    rentable: { eq: true },
    external: { eq: false },
    order: [["dph_total", "asc"]],
  };
}
