import type { Contract } from "../contracts/contract.ts";
import { BadFilter, type Filters, ordered, rowTest } from "../market/filter.ts";
import type { Row } from "../market/offer-row.ts";
import type { World } from "../world/world.ts";
import { type Answer, json, refusal } from "./answer.ts";
import { instanceRow } from "./instance-row.ts";
import type { Call, Route } from "./route.ts";

export const listRoutes: readonly Route[] = [
  { endpoint: "GET /api/v1/instances/", answer: list },
  { endpoint: "GET /instances/", answer: deprecated },
  { endpoint: "GET /instances/filters/", answer: filterValues },
];

const LONGEST_PAGE = 25;
const SHORTEST_DEFAULT = 5;

/** Cannot be filtered: these fields are computed for the answer, not stored. */
const COMPUTED = new Set(["dph_total", "num_gpus", "duration", "ports", "search", "instance", "uptime_mins"]);

function list({ world, query }: Call): Answer {
  try {
    const all = listed(world).map((contract) => instanceRow(world, contract));
    const rows = ordered(all.filter(testOf(query, all)), orderOf(query));
    const start = startOf(query.get("after_token"), rows);
    const page = rows.slice(start, start + limitOf(query.get("limit")));
    const last = page.at(-1);
    const more = start + page.length < rows.length;
    return json(200, {
      success: true,
      instances_found: page.length,
      total_instances: rows.length,
      label_counts: labelCounts(rows),
      next_token: more && last !== undefined ? tokenOf(last) : null,
      instances: page.map((row) => withColumns(row, query.get("select_cols"))),
    });
  } catch (error) {
    if (error instanceof BadFilter) return refusal(400, error.code, error.message);
    if (error instanceof BadToken) return refusal(400, "invalid_token", "invalid after_token");
    throw error;
  }
}

/** Retired in 2026. A client that takes this for an empty list rents again and again. */
function deprecated(): Answer {
  const msg = "/api/v0/instances/ is deprecated. Use /api/v1/instances/ instead.";
  return refusal(410, "deprecated_endpoint", msg);
}

function filterValues({ world }: Call): Answer {
  const rows = listed(world).map((contract) => instanceRow(world, contract));
  const filters = rows.map(({ actual_status, gpu_name, verification }) => ({ actual_status, gpu_name, verification }));
  return json(200, { success: true, filters });
}

function listed({ contracts, clock }: World): Contract[] {
  return contracts.living().filter(({ listedAt }) => listedAt <= clock.now());
}

function testOf(query: URLSearchParams, rows: readonly Row[]): (row: Row) => boolean {
  const filters = parsed(query, "select_filters", {}) as Filters;
  const known = (key: string) => STORED.has(key) || (rows[0] !== undefined && key in rows[0] && !COMPUTED.has(key));
  return rowTest(filters, (key) => (known(key) ? (row) => row[key] : undefined));
}

/** Fields that can be filtered even when there is no row to take names from. */
const STORED = new Set(["id", "label", "actual_status", "intended_status", "gpu_name", "verification", "machine_id"]);

function orderOf(query: URLSearchParams): [string, string][] {
  const order = parsed(query, "order_by", []);
  const columns = Array.isArray(order) ? order.map(({ col, dir }) => [String(col), String(dir ?? "asc")]) : [];
  return [...(columns as [string, string][]), ["id", "asc"]];
}

function limitOf(limit: string | null): number {
  if (limit === null) return LONGEST_PAGE;
  const number = Math.floor(Number(limit));
  if (Number.isNaN(number)) throw new BadFilter("limit is not a number");
  return number <= 0 ? SHORTEST_DEFAULT : Math.min(LONGEST_PAGE, number);
}

class BadToken extends Error {}

function tokenOf(last: Row): string {
  return Buffer.from(JSON.stringify({ id: last.id })).toString("base64url");
}

/** Index of the row after the one that the token names. Throws BadToken when that row has gone since. */
function startOf(token: string | null, rows: readonly Row[]): number {
  if (token === null || token === "") return 0;
  const index = rows.findIndex(({ id }) => id === idIn(token));
  if (index < 0) throw new BadToken();
  return index + 1;
}

function idIn(token: string): unknown {
  try {
    return JSON.parse(Buffer.from(token, "base64url").toString()).id;
  } catch {
    throw new BadToken();
  }
}

function labelCounts(rows: readonly Row[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { label } of rows) {
    const name = label === null ? "" : String(label);
    counts[name] = (counts[name] ?? 0) + 1;
  }
  return counts;
}

function withColumns(row: Row, columns: string | null): Row {
  const wanted: unknown = columns === null ? ["*"] : JSON.parse(columns);
  if (!Array.isArray(wanted) || wanted.includes("*")) return row;
  return Object.fromEntries(wanted.map((column) => [column, row[column] ?? null]));
}

function parsed(query: URLSearchParams, name: string, otherwise: unknown): unknown {
  const text = query.get(name);
  if (text === null || text === "") return otherwise;
  try {
    return JSON.parse(text);
  } catch {
    throw new BadFilter(`${name} is not valid json`);
  }
}
