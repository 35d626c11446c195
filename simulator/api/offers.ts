import { holders, listedMinBid, takenOnDemand } from "../contracts/occupancy.ts";
import { BadFilter } from "../market/filter.ts";
import { diskPrice, type Offer, onDemandPrice } from "../market/machine.ts";
import { type Face, offerRow, type Row } from "../market/offer-row.ts";
import { readSearch, runSearch } from "../market/search.ts";
import type { World } from "../world/world.ts";
import { type Answer, json, refusal } from "./answer.ts";
import type { Call, Route } from "./route.ts";

export const offerRoutes: readonly Route[] = [
  { endpoint: "POST /bundles/", open: "keyless", answer: ({ world, body }) => search(world, body) },
  { endpoint: "GET /bundles/", open: "keyless", answer: (call) => search(call.world, queryOf(call)) },
  { endpoint: "PUT /search/asks/", open: "keyless", answer: ({ world, body }) => search(world, asObject(body.q)) },
  { endpoint: "GET /gpu_names/unique/", open: "anybody", answer: ({ world }) => gpuNames(world) },
  { endpoint: "GET /gpu_types/", open: "anybody", answer: ({ world }) => gpuTypes(world) },
];

/** An offer's row at this moment. */
export function rowOf(world: World, offer: Offer, face: Face, storageGb: number): Row {
  const state = {
    rentable: isRentable(world, offer),
    minBid: listedMinBid(world.contracts, offer, world.clock.now()),
    onDemand: onDemandPrice(offer),
  };
  return offerRow(offer, face, storageGb, state, world.clock.now());
}

/** Not rented on demand, and its time is not over. Whoever holds it by a bid can be outbid. */
export function isRentable({ contracts, clock }: World, offer: Offer): boolean {
  return !takenOnDemand(contracts, offer) && offer.machine.endAt > clock.now();
}

function search(world: World, query: Readonly<Record<string, unknown>>): Answer {
  const sample = rowOf(world, firstOf(world.market.offers()), "on-demand", 0);
  try {
    const wanted = readSearch(query, new Set(Object.keys(sample)));
    const offers = [...world.market.offers()].filter((offer) => !isHidden(world, offer));
    const rows = offers.map((offer) => rowOf(world, offer, wanted.face, wanted.storageGb));
    return json(200, { offers: runSearch(rows, wanted) });
  } catch (error) {
    if (error instanceof BadFilter) return refusal(400, error.code, error.message);
    throw error;
  }
}

/** A whole slice that the account itself rents on demand is no longer offered. */
function isHidden(world: World, offer: Offer): boolean {
  return holders(world.contracts, offer).some(({ bid, offer: { ask } }) => bid === null && ask === offer.ask);
}

function queryOf({ query }: Call): Readonly<Record<string, unknown>> {
  const text = query.get("q");
  if (text === null) return {};
  try {
    return asObject(JSON.parse(text));
  } catch {
    return { "Invalid json body": {} };
  }
}

function asObject(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
}

function gpuNames(world: World): Answer {
  return json(200, { gpu_names: world.market.gpuNames() });
}

function gpuTypes(world: World): Answer {
  const models = new Map([...world.market.offers()].map(({ machine: { gpu } }) => [gpu.name, gpu]));
  const types = [...models.values()].map(({ name, ramMb }) => ({ gpu_name: name, gpu_ram: ramMb }));
  return json(200, { gpu_types: types });
}

function firstOf<T>(values: Iterable<T>): T {
  for (const value of values) return value;
  throw new Error("the market is empty");
}

/** $/h of an offer with so much disk, rented on demand or for that bid. */
export function totalPerHour(offer: Offer, bid: number | null, diskGb: number): number {
  return (bid ?? onDemandPrice(offer)) + diskPrice(offer.machine, diskGb);
}
