import assert from "node:assert/strict";
import { test } from "node:test";
import { BadFilter, ordered, rowTest } from "../../../simulator/market/filter.ts";

const row = { gpu_name: "H100 SXM", num_gpus: 8, external: null, inet_down: 512.5, place: null };
const columns = (key: string) => (key in row ? (from: Readonly<Record<string, unknown>>) => from[key] : undefined);
const holds = (filters: Record<string, unknown>) => rowTest(filters, columns)(row);

test("every operator", () => {
  assert.ok(holds({ num_gpus: { eq: 8 } }));
  assert.ok(!holds({ num_gpus: { neq: 8 } }));
  assert.ok(holds({ num_gpus: { gt: 7 } }) && !holds({ num_gpus: { gt: 8 } }));
  assert.ok(holds({ num_gpus: { gte: 8 } }) && !holds({ num_gpus: { gte: 9 } }));
  assert.ok(holds({ num_gpus: { lt: 9 } }) && !holds({ num_gpus: { lt: 8 } }));
  assert.ok(holds({ num_gpus: { lte: 8 } }) && !holds({ num_gpus: { lte: 7 } }));
  assert.ok(holds({ num_gpus: { in: [4, 8] } }) && !holds({ num_gpus: { in: [4] } }));
  assert.ok(holds({ num_gpus: { notin: [4] } }) && !holds({ num_gpus: { notin: [8] } }));
});

test("several conditions are all to hold", () => {
  assert.ok(holds({ num_gpus: { gte: 4, lte: 8 }, inet_down: { gt: 500 } }));
  assert.ok(!holds({ num_gpus: { gte: 4, lte: 8 }, inet_down: { gt: 600 } }));
});

test("names are compared exactly, with their spaces", () => {
  assert.ok(holds({ gpu_name: { eq: "H100 SXM" } }));
  assert.ok(!holds({ gpu_name: { eq: "H100_SXM" } }));
  assert.ok(!holds({ gpu_name: { eq: "h100 sxm" } }));
});

test("the official client sends numbers as text, and false for what is null", () => {
  assert.ok(holds({ num_gpus: { eq: "8" } }));
  assert.ok(holds({ inet_down: { gte: "500" } }));
  assert.ok(holds({ external: { eq: false } }));
  assert.ok(!holds({ external: { eq: true } }));
});

test("no value is neither more nor less than anything", () => {
  assert.ok(!holds({ place: { lt: 5 } }) && !holds({ place: { gte: 0 } }));
  assert.ok(holds({ place: { eq: null } }));
});

test("unknown keys and operators are errors that name them", () => {
  assert.throws(() => holds({ gpu_nam: { eq: 1 } }), {
    constructor: BadFilter,
    message: /gpu_nam is not a valid search/,
  });
  assert.throws(() => holds({ num_gpus: { like: 1 } }), { constructor: BadFilter, message: /like/ });
  assert.throws(() => holds({ num_gpus: 8 }), BadFilter);
});

test("rows are ordered by the first column that differs", () => {
  const rows = [
    { a: 1, b: 1 },
    { a: 2, b: 1 },
    { a: 1, b: 2 },
  ];
  const keys = ordered(rows, [
    ["b", "desc"],
    ["a", "asc"],
  ]).map(({ a, b }) => `${a}${b}`);
  assert.deepEqual(keys, ["12", "11", "21"]);
});
