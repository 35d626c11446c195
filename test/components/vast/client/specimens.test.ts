import assert from "node:assert/strict";
import { test } from "node:test";
import { bodyOf, type Call } from "../../../../components/vast/client/answer.ts";
import { isVastError } from "../../../../components/vast/client/errors.ts";
import {
  accountFromWire,
  accountKeyFromWire,
  instanceFromWire,
  instancePage,
  offerFromWire,
} from "../../../../components/vast/client/wire.ts";
import { type SpecimenKind, specimens } from "../../../support/wire.ts";

/** What we make of the specimens of a kind, in the words of their `expect`. */
const READERS: Partial<Record<SpecimenKind, (data: unknown) => object | undefined>> = {
  offer: known(offerFromWire),
  account: known(accountFromWire),
  answer: (data) => {
    const { call, status, text } = data as { call: keyof typeof CALLS; status: number; text: string };
    return { error: errorKind(CALLS[call], status, text) };
  },
  keys: (data) => {
    const keys = (data as unknown[]).map(accountKeyFromWire);
    return { n: keys.length, key: keys[0]?.publicKey };
  },
  page: (data) => ({ rows: instancePage.parse(data).instances.map(instanceFromWire).filter(Boolean).length }),
};

const one = { path: "/api/v0/instances/7/", template: "/instances/{id}/", idempotent: true } as const;
const CALLS = {
  read: { ...one, method: "GET" },
  destroy: { ...one, method: "DELETE" },
  start: { ...one, method: "PUT" },
  list: { method: "GET", path: "/api/v1/instances/", template: "/instances/", idempotent: true },
  search: { method: "POST", path: "/api/v0/bundles/", template: "/bundles/", idempotent: true },
  rent: { method: "PUT", path: "/api/v0/asks/9/", template: "/asks/{id}/", idempotent: false, rents: true },
} as const satisfies Record<string, Call>;

function known<T extends object>(read: (data: unknown) => T | undefined) {
  return (data: unknown) => {
    const thing = read(data);
    return { parsed: thing !== undefined, ...thing };
  };
}

function errorKind(call: Call, status: number, text: string): string | null {
  try {
    bodyOf(call, { status, text }, { source: "VAST_API_KEY", value: "0123456789abcdef" });
    return null;
  } catch (error) {
    if (isVastError(error)) return error.kind;
    throw error;
  }
}

for (const [kind, read] of Object.entries(READERS)) {
  for (const { name, expect, data } of specimens(kind as SpecimenKind)) {
    test(`${name} is read for what it is`, () => {
      const made: object = read(data) ?? {};
      const looked = Object.fromEntries(Object.entries(made).filter(([field]) => field in expect));
      assert.deepEqual(looked, expect);
    });
  }
}
