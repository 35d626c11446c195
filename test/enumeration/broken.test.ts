import assert from "node:assert/strict";
import { test } from "node:test";
import { isVastError } from "../../components/vast/client/errors.ts";
import { label } from "../support/request.ts";
import { Crew } from "./crew.ts";
import type { Break } from "./life.ts";

/** The same object with some methods of its own. */
function withOwn<T extends object>(target: T, own: Partial<T>): T {
  return new Proxy(target, {
    get: (_, name) => {
      const value = own[name as keyof T] ?? target[name as keyof T];
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

interface Broken {
  readonly what: string;
  readonly as: Break;
  /** What brings it to light: one ending, or two. */
  readonly at: readonly [ending: string, second?: string];
  /** What is noticed. */
  readonly wrong: RegExp;
}

/** Programs that lose money. If one of these passed, the enumeration would prove nothing. */
const BROKEN: readonly Broken[] = [
  {
    what: "a journal that writes nothing",
    as: { means: ({ journal }) => ({ journal: withOwn(journal, { open: () => {}, note: () => {} }) }) },
    at: ["killAfter"],
    wrong: /live, not in the state, and no intent is open/,
  },
  {
    what: "a release that believes its first answer",
    as: {
      verbs: {
        release: ({ client }, id) => client.destroy(id),
        releaseAll: async ({ client, list }) => {
          for (const row of await list.look()) if (row.label === label) await client.destroy(row.id);
        },
      },
    },
    at: ["destroyIgnored"],
    wrong: /live, not in the state|after a destroy \d+ live|too many calls/,
  },
  {
    what: "a rental that is sent again when its answer is unclear",
    as: {
      means: ({ client }) => ({
        client: withOwn(client, {
          rent: async (...order) => {
            const again = (error: unknown) =>
              isVastError(error, "ambiguous") ? client.rent(...order) : Promise.reject(error);
            return client.rent(...order).catch(again);
          },
        }),
      }),
    },
    at: ["resetAfter"],
    wrong: /rented after resetAfter, without a look/,
  },
  {
    what: "a list that failed taken for an empty one",
    as: { means: ({ list }) => ({ list: withOwn(list, { look: () => list.look().catch(() => []) }) }) },
    at: ["killAfter", "outage"],
    wrong: /live, and the state has no label|after a destroy \d+ live|at the end \d+ live|2 live|2 machines/,
  },
  {
    what: "labels that are compared by their beginning",
    as: {
      means: ({ list }) => ({
        list: withOwn(list, {
          look: async () => (await list.look()).map((row) => (row.label?.startsWith(label) ? { ...row, label } : row)),
        }),
      }),
    },
    at: ["killBefore"],
    wrong: /a machine of others/,
  },
  {
    what: "an error that does not say what is left",
    as: {
      verbs: {
        release: async () => {
          throw new Error("it did not work");
        },
      },
    },
    at: ["resetBefore"],
    wrong: /does not tell how to end/,
  },
];

for (const {
  what,
  as,
  at: [first, second],
  wrong,
} of BROKEN) {
  test(`${what} is noticed`, async (t) => {
    const crew = new Crew(as);
    t.after(() => crew.close());
    const pairs = await crew.singles("plain", false, ({ ending }) => ending === first);
    await crew.pairs(pairs.filter(({ faults }) => faults[1].ending === second));
    const all = crew.failures.flatMap((failure) => failure.wrong);
    assert.ok(
      all.some((line) => wrong.test(line)),
      [...new Set(all)].join("\n"),
    );
  });
}
