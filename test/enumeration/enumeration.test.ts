import assert from "node:assert/strict";
import { availableParallelism } from "node:os";
import { type TestContext, test } from "node:test";
import { isAll } from "../support/all.ts";
import { sample } from "./cases.ts";
import { Crew, type Pair } from "./crew.ts";
import { CREATE, LIST, SINGLE } from "./endings.ts";
import type { FaultAt } from "./place.ts";
import { playOnThread } from "./thread.ts";

/** The pairs that `npm test` takes are the same ones on every machine. */
const SEED = 20_260_901;
const HOURS_MS = 3 * 3_600_000;

interface Part {
  readonly life: string;
  /** Which faults come first; without it all. `npm test` only. */
  readonly only?: (fault: FaultAt) => boolean;
  /** How many pairs `npm test` takes. */
  readonly pairs: number;
  /** How many `npm run test:all` takes: all 142,816 of the plain life would take more than an hour. */
  readonly allPairs: number;
}

const PARTS: readonly Part[] = [
  { life: "plain", allPairs: 50_000, pairs: 250 },
  { life: "outbid", allPairs: 5000, pairs: 60, only: ({ endpoint }) => endpoint.startsWith("PUT /instances/") },
  { life: "vanished", pairs: 30, only: ({ endpoint }) => endpoint === SINGLE || endpoint === CREATE, allPairs: 5000 },
  { life: "crowded", pairs: 15, only: ({ endpoint }) => endpoint === LIST, allPairs: 5000 },
];

for (const { life, only, pairs, allPairs } of PARTS) {
  const found = Promise.withResolvers<readonly Pair[]>();

  test(`${life} life: whatever goes wrong once, no machine is unknown, and none is left`, {
    timeout: HOURS_MS,
  }, async (t) => {
    const crew = crewOf(t);
    found.resolve(await crew.singles(life, isAll || life === "plain", isAll ? undefined : only));
    assert.equal(crew.failures.length, 0, crew.report());
  });

  test(`${life} life: whatever goes wrong twice, no machine is unknown, and none is left`, {
    timeout: HOURS_MS,
  }, async (t) => {
    const crew = crewOf(t);
    const all = await found.promise;
    const taken = sample(all, isAll ? allPairs : pairs, SEED);
    t.diagnostic(`${taken.length} of ${all.length} pairs, seed ${SEED}`);
    if (isAll) for (const played of await Promise.all(shares(taken).map(playOnThread))) crew.add(played);
    else await crew.pairs(taken);
    assert.equal(crew.failures.length, 0, crew.report());
  });
}

/** As many shares as there are processors. */
function shares(pairs: readonly Pair[]): Pair[][] {
  const count = availableParallelism();
  return Array.from({ length: count }, (_, share) => pairs.filter((_, index) => index % count === share));
}

function crewOf(t: TestContext): Crew {
  const crew = new Crew();
  const began = process.cpuUsage();
  t.after(() => {
    const { user, system } = process.cpuUsage(began);
    const { name, spent } = crew.dearest;
    t.diagnostic(`${crew.cases} cases, ${((user + system) / 1e6).toFixed(1)} s of processor time`);
    t.diagnostic(`the dearest: $${spent.toFixed(3)}, ${name}`);
    crew.close();
  });
  return crew;
}
