import assert from "node:assert/strict";
import { test } from "node:test";
import { type VastErrorKind, vastError } from "../../../../components/vast/client/errors.ts";
import { every, Gates, limitOf, retryDelay } from "../../../../components/vast/client/pacing.ts";

const UNKNOWN = limitOf("GET /nothing/");

/** A clock that only sleeping moves. */
function handClock() {
  let time = 1_000_000;
  return {
    now: () => time,
    sleep: async (milliseconds: number) => {
      time += milliseconds;
    },
  };
}

test("the first call of an endpoint does not wait, the next leaves after the interval", async () => {
  const clock = handClock();
  const gates = new Gates(clock.now, clock.sleep);
  const start = clock.now();
  const at: number[] = [];
  for (let i = 0; i < 3; i++) await gates.run("a", every(2), async () => at.push(clock.now() - start));
  assert.deepEqual(at, [0, 2100, 4200]);
});

test("calls made at once leave one after the other", async () => {
  const clock = handClock();
  const gates = new Gates(clock.now, clock.sleep);
  const start = clock.now();
  const at: number[] = [];
  await Promise.all([1, 2, 3].map(() => gates.run("a", every(1), async () => at.push(clock.now() - start))));
  assert.deepEqual(at, [0, 1100, 2200]);
});

test("some in a row, where Vast stands them: the next leaves when the first is forgotten", async () => {
  const clock = handClock();
  const gates = new Gates(clock.now, clock.sleep);
  const start = clock.now();
  const at: number[] = [];
  const call = () => gates.run("a", { seconds: 2, calls: 2 }, async () => at.push(clock.now() - start));
  await Promise.all([call(), call()]);
  await Promise.all([call(), call(), call()]);
  assert.deepEqual(at, [0, 0, 2100, 2100, 4200]);
});

test("a call that is under way counts", async () => {
  const clock = handClock();
  const gates = new Gates(clock.now, clock.sleep);
  const { promise, resolve } = Promise.withResolvers<void>();
  const left: number[] = [];
  const calls = [1, 2, 3].map((call) =>
    gates.run("a", { seconds: 1, calls: 2 }, () => {
      left.push(call);
      return promise;
    }),
  );
  await new Promise((next) => setImmediate(next));
  assert.deepEqual(left, [1, 2]);
  resolve();
  await Promise.all(calls);
  assert.deepEqual(left, [1, 2, 3]);
});

test("endpoints do not wait for each other", async () => {
  const clock = handClock();
  const gates = new Gates(clock.now, clock.sleep);
  const start = clock.now();
  await gates.run("a", every(5), async () => {});
  await gates.run("b", every(5), async () => {});
  assert.equal(clock.now(), start);
});

test("the interval counts from the answer", async () => {
  const clock = handClock();
  const gates = new Gates(clock.now, clock.sleep);
  const start = clock.now();
  await gates.run("a", every(1), () => clock.sleep(700));
  await gates.run("a", every(1), async () => {});
  assert.equal(clock.now() - start, 1800);
});

test("a 429 closes the gate for as long as it says, also where no limit was known", async () => {
  const clock = handClock();
  const gates = new Gates(clock.now, clock.sleep);
  const start = clock.now();
  const refused = vastError("rate_limited", "too fast", { thresholdSeconds: 3 });
  await assert.rejects(gates.run("a", UNKNOWN, () => Promise.reject(refused)));
  await gates.run("a", UNKNOWN, async () => {});
  assert.equal(clock.now() - start, 3100);
});

test("a call that fails lets the next one pass", async () => {
  const clock = handClock();
  const gates = new Gates(clock.now, clock.sleep);
  await assert.rejects(
    gates.run("a", every(1), () => Promise.reject(new Error("no"))),
    /no/,
  );
  assert.equal(await gates.run("a", every(1), async () => "yes"), "yes");
});

test("knows the intervals that Vast publishes", () => {
  assert.deepEqual(limitOf("PUT /asks/{id}/"), every(4.5));
  assert.deepEqual(limitOf("GET /instances/"), every(1));
  assert.equal(limitOf("GET /users/current/").seconds, 0);
});

const delays: [
  kind: VastErrorKind,
  idempotent: boolean,
  attempt: number,
  threshold: number | undefined,
  ms: unknown,
][] = [
  ["rate_limited", false, 1, 4.5, 4600],
  ["rate_limited", true, 1, undefined, 2000],
  ["rate_limited", true, 2, undefined, 4000],
  ["rate_limited", true, 5, undefined, 30000],
  ["rate_limited", true, 6, 1, undefined],
  ["unreachable", true, 1, undefined, 500],
  ["unreachable", true, 3, undefined, 2000],
  ["unreachable", true, 4, undefined, undefined],
  ["unreachable", false, 1, undefined, undefined],
  ["server", true, 1, undefined, 500],
  ["server", false, 1, undefined, undefined],
  ["ambiguous", false, 1, undefined, undefined],
  ["ambiguous", true, 1, undefined, undefined],
  ["auth", true, 1, undefined, undefined],
  ["offer_gone", false, 1, undefined, undefined],
  ["no_credit", true, 1, undefined, undefined],
  ["refused", true, 1, undefined, undefined],
];

for (const [kind, idempotent, attempt, threshold, ms] of delays) {
  test(`${kind}, ${idempotent ? "" : "not "}idempotent, attempt ${attempt}: again after ${ms}`, () => {
    const error = vastError(kind, "x", threshold === undefined ? {} : { thresholdSeconds: threshold });
    assert.equal(retryDelay(error, idempotent, attempt, 0), ms);
  });
}
