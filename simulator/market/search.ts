import { BadFilter, type Filters, ordered, rowTest } from "./filter.ts";
import type { Face, Row } from "./offer-row.ts";

/** However many are asked for, a search answers with no more rows. */
export const MOST_OFFERS = 64;

/** GB that prices are for when the search names none. */
const DEFAULT_STORAGE_GB = 8;

/** A search, read: what to show and in which order. */
export interface Search {
  readonly face: Face;
  readonly storageGb: number;
  readonly limit: number;
  readonly order: readonly (readonly [string, string])[];
  readonly matches: (row: Row) => boolean;
}

/** Reads a flat search body: filters, and among them the directives. Throws BadFilter. */
export function readSearch(query: Readonly<Record<string, unknown>>, columns: ReadonlySet<string>): Search {
  const { type, order, limit, allocated_storage, disable_bundling: _, ...filters } = query;
  const storageGb = allocated_storage === undefined ? DEFAULT_STORAGE_GB : Number(allocated_storage);
  if (!(storageGb >= 0)) throw new BadFilter("allocated_storage is not a number");
  return {
    face: faceOf(type),
    storageGb,
    limit: Math.min(MOST_OFFERS, limitOf(limit)),
    order: orderOf(order),
    matches: rowTest(withStorage(filters, storageGb), (key) => offerColumn(key, columns)),
  };
}

export function runSearch(rows: readonly Row[], search: Search): Row[] {
  return ordered(rows.filter(search.matches), search.order).slice(0, search.limit);
}

function faceOf(type: unknown): Face {
  if (type === undefined || type === "on-demand" || type === "ondemand" || type === "reserved") return "on-demand";
  if (type === "bid" || type === "interruptible") return "bid";
  throw new BadFilter(`type ${String(type)} is none of on-demand, bid, reserved`);
}

function limitOf(limit: unknown): number {
  if (limit === undefined) return MOST_OFFERS;
  const number = Number(limit);
  if (!(number >= 1)) throw new BadFilter("limit is not a positive number");
  return Math.floor(number);
}

function orderOf(order: unknown): Search["order"] {
  if (order === undefined) return [["score", "desc"]];
  const pairs = Array.isArray(order) ? order : [];
  return pairs.map((pair) => [String(pair?.[0]), String(pair?.[1] ?? "asc")]);
}

/** Asking for storage also asks for a machine that has it. */
function withStorage(filters: Filters, storageGb: number): Filters {
  const asked = filters.disk_space;
  return { ...filters, disk_space: { ...(typeof asked === "object" ? asked : {}), ...atLeast(asked, storageGb) } };
}

function atLeast(asked: unknown, storageGb: number): Record<string, number> {
  const own = typeof asked === "object" && asked !== null && "gte" in asked ? Number(asked.gte) : 0;
  return { gte: Math.max(own, storageGb) };
}

const ALIASES: Readonly<Record<string, string>> = {
  reliability2: "reliability",
  dphtotal: "dph_total",
  ubuntu_version: "os_version",
  driver_version: "driver_vers",
  target_reliability: "reliability",
};

/** Columns that only filters have. */
const VIRTUAL: Readonly<Record<string, (row: Row) => unknown>> = {
  // A known trap: filters on the id match nothing; the same number is in ask_contract_id.
  id: () => Number.NaN,
  geolocation: (row) => String(row.geolocation).slice(-2),
  datacenter: (row) => row.hosting_type === 1,
  verified: (row) => row.verification === "verified",
};

function offerColumn(key: string, columns: ReadonlySet<string>): ((row: Row) => unknown) | undefined {
  const virtual = VIRTUAL[key];
  if (virtual !== undefined) return virtual;
  const column = ALIASES[key] ?? key;
  return columns.has(column) ? (row) => row[column] : undefined;
}
