import type { Row } from "./offer-row.ts";

/** `{field: {op: value}}`; all ops of a field must hold. */
export type Filters = Readonly<Record<string, unknown>>;

/** An unknown key or operator. Its text and code go into the answer. */
export class BadFilter extends Error {
  readonly code: string;
  constructor(message: string, code = "invalid_request") {
    super(message);
    this.code = code;
  }
}

type Test = (have: unknown, want: unknown) => boolean;

const OPERATORS: Readonly<Record<string, Test>> = {
  eq: same,
  neq: (have, want) => !same(have, want),
  gt: (have, want) => compared(have, want, (difference) => difference > 0),
  gte: (have, want) => compared(have, want, (difference) => difference >= 0),
  lt: (have, want) => compared(have, want, (difference) => difference < 0),
  lte: (have, want) => compared(have, want, (difference) => difference <= 0),
  in: (have, want) => Array.isArray(want) && want.some((one) => same(have, one)),
  notin: (have, want) => Array.isArray(want) && !want.some((one) => same(have, one)),
};

/** How to read the value of a filter's key from a row; undefined = an unknown key. */
export type Columns = (key: string) => ((row: Row) => unknown) | undefined;

/** Turns filters into one test of a row. */
export function rowTest(filters: Filters, columns: Columns): (row: Row) => boolean {
  const bare = Object.keys(filters).filter((key) => columns(key) !== undefined && !isConditions(filters[key]));
  if (bare.length > 0)
    throw new BadFilter(bare.map((key) => `q.${key}: Input should be a valid dictionary`).join("; "), "bad_request");
  const tests = Object.entries(filters).flatMap(([key, conditions]) => keyTests(key, conditions, columns));
  return (row) => tests.every((test) => test(row));
}

function isConditions(value: unknown): boolean {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function keyTests(key: string, conditions: unknown, columns: Columns): ((row: Row) => boolean)[] {
  const column = columns(key);
  if (column === undefined) throw new BadFilter(`${key} is not a valid search key`);
  return Object.entries(conditions as object).map(([name, want]) => {
    const operator = OPERATORS[name];
    if (operator === undefined) throw new BadFilter(`${name} is not a valid operator for ${key}`);
    return (row) => operator(column(row), want);
  });
}

/** Vast's filters take null and false as equal (`external` is null in rows, false in the client's default filter). */
function same(have: unknown, want: unknown): boolean {
  if (typeof want === "boolean") return Boolean(have) === want;
  if (typeof have === "number" && typeof want === "string") return have === Number(want);
  return (have ?? null) === (want ?? null);
}

function compared(have: unknown, want: unknown, holds: (difference: number) => boolean): boolean {
  if (have === null || have === undefined) return false;
  const difference = Number(have) - Number(want);
  return Number.isNaN(difference) ? false : holds(difference);
}

/** By the first column that differs; `desc` turns it round. Rows without a value come last. */
export function ordered(rows: readonly Row[], order: readonly (readonly [string, string])[]): Row[] {
  return rows.toSorted((one, other) => {
    for (const [column, direction] of order) {
      const difference = sorted(one[column], other[column]);
      if (difference !== 0) return direction === "desc" ? -difference : difference;
    }
    return 0;
  });
}

function sorted(one: unknown, other: unknown): number {
  if (one === other) return 0;
  if (one === null || one === undefined) return 1;
  if (other === null || other === undefined) return -1;
  return one < other ? -1 : 1;
}
