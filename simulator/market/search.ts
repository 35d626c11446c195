import { BadFilter, type Filters, ordered, rowTest } from "./filter.ts";
import type { Face, Row } from "./offer-row.ts";

/** The most rows that a search answers with, whatever limit is asked for. */
export const MOST_OFFERS = 64;

/** The disk, GB, that prices include when the search names none. */
const DEFAULT_STORAGE_GB = 8;

/** What a search asks for: which rows, and in which order. */
export interface Search {
  readonly face: Face;
  readonly storageGb: number;
  readonly limit: number;
  readonly order: readonly (readonly [string, string])[];
  readonly matches: (row: Row) => boolean;
}

/** Reads a flat search body, in which directives stand among the filters. Throws BadFilter. */
export function readSearch(query: Readonly<Record<string, unknown>>, columns: ReadonlySet<string>): Search {
  const { type, order, sort_option, limit, allocated_storage, ...others } = query;
  const filters = withoutDirectives(others);
  const storageGb = allocated_storage === undefined ? DEFAULT_STORAGE_GB : Number(allocated_storage);
  if (!(storageGb >= 0)) throw new BadFilter("allocated_storage is not a number");
  return {
    face: faceOf(type),
    storageGb,
    limit: Math.min(MOST_OFFERS, limitOf(limit)),
    order: orderOf(order ?? sort_option),
    matches: rowTest(withStorage(filters, storageGb), (key) => offerColumn(key, columns)),
  };
}

export function runSearch(rows: readonly Row[], search: Search): Row[] {
  return ordered(rows.filter(search.matches), search.order).slice(0, search.limit);
}

/** Keys that Vast's client 1.9.1 sends, which are no filters and change nothing here. */
const IGNORED = new Set(["disable_bundling", "extra_ids", "gpu_option", "show_incompatible", "template_id"]);
/** Filters that may also be a bare value, and the operator that it then stands for. */
const BARE: Readonly<Record<string, string>> = {
  external: "eq",
  has_avx: "eq",
  has_sla: "eq",
  resource_type: "eq",
  target_reliability: "gte",
};

function withoutDirectives(query: Filters): Filters {
  const entries = Object.entries(query).filter(([key]) => !IGNORED.has(key));
  return Object.fromEntries(
    entries.map(([key, value]) => {
      const operator = BARE[key];
      const isBare = operator !== undefined && (typeof value !== "object" || value === null);
      return [key, isBare ? { [operator]: value } : value];
    }),
  );
}

const ON_DEMAND: readonly unknown[] = [undefined, "on-demand", "ondemand", "ask", "reserved"];

function faceOf(type: unknown): Face {
  if (ON_DEMAND.includes(type)) return "on-demand";
  if (type === "bid" || type === "interruptible") return "bid";
  throw new BadFilter(`type ${String(type)} is none of on-demand, ask, bid, reserved`);
}

function limitOf(limit: unknown): number {
  if (limit === undefined) return MOST_OFFERS;
  const number = Number(limit);
  if (!(number >= 1)) throw new BadFilter("limit is not a positive number");
  return Math.floor(number);
}

/** A list of pairs, or an object that numbers them, as the console sends it. */
function orderOf(order: unknown): Search["order"] {
  if (order === undefined) return [["score", "desc"]];
  const pairs = typeof order === "object" && order !== null ? Object.values(order) : [];
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
  // A number: expected_reliability must be at least that.
  target_reliability: "expected_reliability",
};

/** Columns that only filters have. */
const VIRTUAL: Readonly<Record<string, (row: Row) => unknown>> = {
  // A known trap: filters on the id match nothing; the same number is in ask_contract_id.
  id: () => Number.NaN,
  geolocation: (row) => String(row.geolocation).slice(-2),
  datacenter: (row) => row.hosting_type === 1,
  verified: (row) => row.verification === "verified",
  has_sla: (row) => row.sla_r_claim !== null,
};

function offerColumn(key: string, columns: ReadonlySet<string>): ((row: Row) => unknown) | undefined {
  const virtual = VIRTUAL[key];
  if (virtual !== undefined) return virtual;
  const column = ALIASES[key] ?? key;
  return columns.has(column) ? (row) => row[column] : undefined;
}
