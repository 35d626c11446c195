import assert from "node:assert/strict";
import { test } from "node:test";
import { nonceOf } from "../../../../components/vast/journal/label.ts";
import { market } from "../../../../components/vast/market/offers.ts";
import { quoteOf } from "../../../../components/vast/market/quote.ts";
import { OfferQueue } from "../../../../components/vast/rental/offer-queue.ts";
import { release } from "../../../../components/vast/rental/release.ts";
import { rent } from "../../../../components/vast/rental/rental.ts";
import { noGate, releaseAll } from "../../../../components/vast/rental/settle.ts";
import { type Fault, ledger } from "../../../../simulator/index.ts";
import { clientWith, closedDoors } from "../../../support/means.ts";
import { openIntents, renting, slowDoors, type World } from "../../../support/renting.ts";
import { criteria, label, request } from "../../../support/request.ts";

const RENT = "PUT /asks/{id}/";
const DELETE = "DELETE /instances/{id}/";
const LIST = "GET /api/v1/instances/";

/** The one machine that lives is the one that was returned, and the journal knows it. */
async function rentedWell(world: World, changed: Partial<typeof request> = {}) {
  const rented = await rent(world.means, { ...request, ...changed });
  const { id } = rented.instance;
  assert.deepEqual(world.living(), [id]);
  const intent = world.journal.find(label);
  const keyFingerprint = world.means.client.keyFingerprint(nonceOf(label));
  const renter = { accountId: String(world.simulator.world.account.id), keyFingerprint };
  assert.deepEqual([intent?.instanceIds, intent?.accountId, intent?.keyFingerprint], [[id], ...Object.values(renter)]);
  assert.deepEqual([rented.accountId, rented.keyFingerprint], Object.values(renter));
  const [row] = ledger(world.simulator.world).contracts.filter((contract) => contract.id === id);
  assert.equal(row?.label, label);
  assert.equal(row?.isBid, true);
  await release(world.means, id);
  return rented;
}

test("rents what was quoted, waits until it is ready, and costs few calls", async (t) => {
  const world = await renting(t);
  const { choices } = await market(world.means.client, criteria);
  assert.ok(choices[1]);
  const before = world.simulator.world.requests.length;
  const quote = quoteOf(choices[1]);
  const rented = await rent(world.means, { ...request, quote });
  assert.equal(rented.offerId, quote.offerId, "the quoted offer is tried first");
  assert.equal(rented.instance.machineId, quote.machineId);
  assert.ok((rented.instance.totalPerHour ?? 99) <= criteria.maxPricePerHour);
  assert.ok(world.simulator.world.requests.length - before < 12, "calls");
  assert.ok(
    world.shown.some((text) => /^2\/6 image pull, \d+ s$/.test(text)),
    world.shown.join("\n"),
  );
  const steps = world.shown.flatMap((text) => /^(\d)\/6 /.exec(text)?.[1] ?? []);
  assert.deepEqual(steps, steps.toSorted(), "it does not count backwards");
  assert.ok(steps.includes("2") && steps.includes("5"), steps.join());
  assert.match(world.said.join("\n"), /rented offer \d+ for \$\d\.\d{3}\/h: instance \d+\ninstance \d+ is ready/);
  await release(world.means, rented.instance.id);
  assert.deepEqual(world.living(), []);
});

test("what was quoted is rented under another id, too, and its dead id costs no try", async (t) => {
  const world = await renting(t);
  const { choices } = await market(world.means.client, criteria);
  assert.ok(choices[0]);
  const quote = quoteOf(choices[0]);
  world.simulator.world.market.renumber();
  const rented = await rent(world.means, { ...request, criteria: { ...criteria, maxOffers: 1 }, quote });
  assert.notEqual(rented.offerId, quote.offerId);
  assert.equal(rented.instance.machineId, quote.machineId);
  assert.equal(rented.instance.gpuPerHour, quote.bidPerHour);
  await release(world.means, rented.instance.id);
});

test("when what was quoted has become dearer, the cheapest is rented", async (t) => {
  const world = await renting(t);
  const { choices } = await market(world.means.client, criteria);
  assert.ok(choices[0] && choices[1]);
  const quote = quoteOf(choices[0]);
  world.simulator.world.market.renumber();
  world.simulator.world.market.move({ machineId: quote.machineId, factor: 1.6 });
  const rented = await rent(world.means, { ...request, quote });
  assert.equal(rented.instance.machineId, choices[1].machineId);
  await release(world.means, rented.instance.id);
});

test("an id that dies between search and rental: the machine is found again", async (t) => {
  const world = await renting(t, { faults: [{ on: "PUT /asks/{id}/", do: "newOfferIds" }] });
  const [cheapest] = (await market(world.means.client, criteria)).choices;
  const { instance } = await rent(world.means, { ...request, criteria: { ...criteria, maxOffers: 2 } });
  assert.match(world.said.join("\n"), /offer \d+ is taken; trying the next offer/);
  assert.equal(instance.machineId, cheapest?.machineId);
  await release(world.means, instance.id);
});

test("a machine that is rented again and again is not bid up by our own last bid", async (t) => {
  const world = await renting(t, { timings: { echo: 900 } });
  // Of one GPU a machine has two slices, and the other one is nobody's.
  const several = { ...request, criteria: { ...criteria, gpus: 4, maxPricePerHour: 14 } };
  const bids = new Set<number | null>();
  const machines = new Set<number | null>();
  for (let round = 0; round < 4; round++) {
    // As another command, which no machine is closed to.
    const means = world.meansWith({ client: clientWith(world.means.client, {}) });
    const { instance } = await rent(means, several);
    bids.add(instance.gpuPerHour);
    machines.add(instance.machineId);
    await world.clock.advance(1000);
    await release(means, instance.id);
  }
  assert.equal(machines.size, 1, "no other is cheaper");
  const [first = 0, ...later] = [...bids].map(Number);
  // The list has three decimals, and a bid below it would not win.
  for (const bid of later) assert.ok(Math.abs(bid - first) < 0.001, [...bids].join());
});

test("rents on demand at the listed price", async (t) => {
  const world = await renting(t);
  const onDemand = { ...request, criteria: { ...criteria, rental: "on-demand" as const } };
  const { instance } = await rent(world.means, onDemand);
  assert.equal(instance.isBid, false);
  await release(world.means, instance.id);
});

test("a change of state is seen within two seconds", async (t) => {
  const world = await renting(t);
  await rentedWell(world);
  const looks = world.simulator.world.requests.filter(({ endpoint }) => endpoint === LIST).map(({ at }) => at);
  const gaps = looks.slice(1).map((at, index) => at - (looks[index] ?? at));
  assert.ok(Math.max(...gaps) <= 2000, `${gaps}`);
});

// Whatever else can come of a rental, and of a machine that comes up, is in test/faults/rental-rows.ts.
const nextOffer: [what: string, fault: Partial<Fault>][] = [
  ["two offers taken", { do: "offerTaken410", times: 2 }],
  ["a redirect instead of the rental", { do: "serverErrorBefore", status: 308 }],
];

for (const [what, fault] of nextOffer) {
  test(`${what}: the next offer is rented`, async (t) => {
    const world = await renting(t, { faults: [{ on: RENT, do: "", ...fault }] });
    await rentedWell(world);
    assert.equal(world.requests(RENT), 1 + (fault.times ?? 1));
  });
}

const adopted: [what: string, fault: Partial<Fault>][] = [
  ["a redirect after the rental", { do: "serverErrorAfter", status: 307 }],
  ["a proxy's refusal after the rental", { do: "serverErrorAfter", status: 413 }],
];

for (const [what, fault] of adopted) {
  test(`${what}: what was rented is found by its label, and nothing is rented again`, async (t) => {
    const world = await renting(t, { faults: [{ on: RENT, do: "", ...fault }] });
    await rentedWell(world);
    assert.equal(world.requests(RENT), 1);
    assert.equal(ledger(world.simulator.world).contracts.length, 1);
  });
}

test("an unclear rental that shows up late is found", async (t) => {
  const faults: Fault[] = [
    { on: RENT, do: "resetAfter" },
    { on: "boot", do: "listLag", seconds: 6 },
  ];
  const world = await renting(t, { faults });
  await rentedWell(world);
  assert.equal(world.requests(RENT), 1);
});

test("an unclear rental that shows up after the next one is released", async (t) => {
  const faults: Fault[] = [
    { on: RENT, do: "resetAfter" },
    { on: "boot", do: "listLag", seconds: 51 },
  ];
  const world = await renting(t, { faults });
  await rentedWell(world);
  assert.equal(ledger(world.simulator.world).contracts.length, 2);
});

test("one that shows up late and cannot be released stays in the journal", async (t) => {
  const faults: Fault[] = [
    { on: RENT, do: "resetAfter" },
    { on: "boot", do: "listLag", seconds: 51 },
    { on: DELETE, do: "serverErrorBefore", times: 0 },
  ];
  const world = await renting(t, { faults });
  const { instance } = await rent(world.means, request);
  const [twin] = world.living().filter((id) => id !== instance.id);
  assert.ok(twin);
  assert.deepEqual(world.journal.find(label)?.instanceIds, [instance.id, twin]);
  assert.ok(
    world.said.some((text) => text.includes(`vastai destroy instance ${twin}`)),
    world.said.join("\n"),
  );
  world.simulator.world.faults.clear();
  await release(world.means, instance.id);
  await releaseAll(world.means, label, noGate);
  assert.deepEqual(openIntents(world), []);
});

test("an unclear rental that cannot be settled stays open in the journal, and the next run takes it over", async (t) => {
  const faults: Fault[] = [
    { on: RENT, do: "resetAfter" },
    { on: LIST, do: "serverErrorBefore", times: 0, after: 1 },
  ];
  const world = await renting(t, { faults });
  await assert.rejects(rent(world.means, request), /what came of it cannot be seen now .*the next run or destroy/);
  assert.deepEqual(openIntents(world), [`${label}.json`]);
  const [id] = world.living();
  world.simulator.world.faults.clear();
  const rented = await rentedWell(world);
  assert.equal(rented.instance.id, id);
  assert.equal(world.requests(RENT), 1);
});

test("a host that goes silent: released, and the next machine rented", async (t) => {
  const world: World = await renting(t, {
    faults: [{ on: "run", do: "unknown" }],
    logins: slowDoors(() => world),
  });
  const rented = await rentedWell(world);
  const { contracts } = ledger(world.simulator.world);
  assert.equal(contracts.length, 2);
  assert.notEqual(contracts[0]?.machineId, contracts[1]?.machineId);
  assert.equal(contracts[1]?.id, rented.instance.id);
  const released = contracts[0]?.destroyedAt ?? Number.POSITIVE_INFINITY;
  assert.ok(released <= (contracts[1]?.createdAt ?? 0), "both were billed at a time");
});

test("a machine that lets nobody in is released, after its key was attached once more", async (t) => {
  const world = await renting(t, { logins: closedDoors(() => world.means.clock) });
  await assert.rejects(
    rent(world.means, request),
    /no machine of 3 came up \(maxOffers\); tried before: .*no login over ssh/,
  );
  assert.equal(ledger(world.simulator.world).contracts.length, criteria.maxOffers);
  assert.equal(world.requests("POST /instances/{id}/ssh/"), criteria.maxOffers);
  const machines = world.shown.flatMap((text) => /^(machine \d: )?\d\/6 \D+, \d+ s\b/.exec(text)?.slice(1) ?? []);
  assert.deepEqual([...new Set(machines)], [undefined, "machine 2: ", "machine 3: "]);
  assert.deepEqual(openIntents(world), []);
});

test("a machine whose set-up does not run is released", async (t) => {
  const world = await renting(t, { logins: { isSetUp: async () => false } });
  await assert.rejects(rent(world.means, request), /its set-up did not run/);
  assert.deepEqual(openIntents(world), []);
});

test("gives up when the time in all is over", async (t) => {
  const world = await renting(t, { faults: [{ on: "boot", do: "stuckLoading", times: 0 }] });
  await assert.rejects(
    rent(world.means, { ...request, minutes: { machine: 5, total: 8 } }),
    /no machine came up within 8 minutes \(readyTimeoutMinutes\)/,
  );
  assert.equal(ledger(world.simulator.world).contracts.length, 2);
});

const odd: [what: string, fields: Record<string, unknown>, message: RegExp][] = [
  ["a machine that is not interruptible", { is_bid: false }, /it is on demand, and interruptible was asked for/],
  ["the kind as a word", { is_bid: "true" }, /it is of unknown kind/],
  ["a machine a little above the cap", { dph_total: 3.5012 }, /costs \$3\.501\/h/],
  ["no price", { dph_total: null }, /costs an unknown price/],
  ["no number of GPUs", { num_gpus: null }, /an unknown number of GPUs/],
];

for (const [what, fields, message] of odd) {
  test(`${what}: another one is rented, and that is it`, async (t) => {
    const world = await renting(t, { faults: [{ on: "boot", do: "misreport", fields }] });
    await rentedWell(world);
    assert.match(world.said.join("\n"), message);
    assert.equal(ledger(world.simulator.world).contracts.length, 2);
  });
}

test("two machines whose terms are not those of their offers end it", async (t) => {
  const world = await renting(t, {
    faults: [
      { on: "boot", do: "misreport", fields: { is_bid: null } },
      { on: "boot", do: "misreport", fields: { dph_total: "1.07" }, after: 1 },
    ],
  });
  await assert.rejects(rent(world.means, request), /costs an unknown price.*; tried before: .*of unknown kind/);
  assert.equal(ledger(world.simulator.world).contracts.length, 2);
  assert.deepEqual([world.living(), openIntents(world)], [[], []]);
});

test("no offer at all: says why, and rents nothing", async (t) => {
  const world = await renting(t);
  const cheap = { ...request, criteria: { ...criteria, maxPricePerHour: 0.05 } };
  await assert.rejects(rent(world.means, cheap), /no offer to rent: none of \d+ offers of H100 SXM/);
  assert.equal(world.requests(RENT), 0);
});

test("an engine that is gone before the rental: nothing is sent", async (t) => {
  const world = await renting(t);
  world.killEngine();
  await assert.rejects(rent(world.means, request), /nobody waits .*: nothing was rented/);
  assert.equal(world.requests(RENT), 0);
  assert.deepEqual(openIntents(world), []);
});

test("an engine that goes while the machine comes up: it is released, and nothing more is rented", async (t) => {
  const world = await renting(t);
  const means = world.meansWith({
    progress: (text) => {
      if (text.startsWith("2/6")) world.killEngine();
    },
  });
  await assert.rejects(rent(means, request), /nobody waits/);
  assert.equal(world.requests(RENT), 1);
  assert.deepEqual(world.living(), []);
  assert.deepEqual(openIntents(world), []);
});

test("an engine that goes while a rental waits for its turn: it does not leave", async (t) => {
  const world = await renting(t, { faults: [{ on: RENT, do: "tooFrequent", threshold: 4.5 }] });
  let asked = 0;
  const alive = async () => {
    asked += 1;
    return asked <= 2; // before the offer is tried, and before it is sent for the first time
  };
  const means = world.meansWith({ engine: { ...world.means.engine, alive } });
  await assert.rejects(rent(means, request), /called off before it was sent/);
  assert.equal(world.requests(RENT), 1);
  assert.deepEqual(openIntents(world), []);
});

test("an engine that goes between two offers: no further rental leaves", async (t) => {
  const world = await renting(t, { faults: [{ on: RENT, do: "offerTaken410" }] });
  const means = world.meansWith({
    say: async (text) => {
      if (text.includes("is taken")) world.killEngine();
    },
  });
  await assert.rejects(rent(means, request), /nobody waits/);
  assert.equal(world.requests(RENT), 1);
});

test("a machine that the account uses already is passed over: a bid would drive ourselves out of it", async (t) => {
  const world = await renting(t);
  const first = await rent(world.means, request);
  const second = await rent(world.means, { ...request, label: `${label}-2` });
  assert.notEqual(second.instance.machineId, first.instance.machineId);
  // Another process knows no more than what it sees at Vast.
  const third = await rent(world.meansWith({ client: clientWith(world.means.client, {}) }), {
    ...request,
    label: `${label}-3`,
  });
  const states = ledger(world.simulator.world).contracts.map(({ state }) => state);
  assert.deepEqual(states, ["running", "running", "running"]);
  for (const { instance } of [first, second, third]) await release(world.means, instance.id);
});

test("a machine that the account uses is not bid for, though nothing else is left", async (t) => {
  const world = await renting(t);
  const { instance } = await rent(world.means, request);
  const { market } = world.simulator.world;
  for (const { machine, ask } of market.offers())
    if (machine.id !== instance.machineId) ask.tenant = { kind: "on-demand" };
  await world.clock.advance(600);
  const other = world.meansWith({ client: clientWith(world.means.client, {}) });
  await assert.rejects(rent(other, { ...request, label: `${label}-2` }), /no offer to rent/);
  const states = ledger(world.simulator.world).contracts.map(({ state }) => state);
  assert.deepEqual(states, ["running"]);
  await release(world.means, instance.id);
});

test("two rentals of one process that look at the same moment do not choose the same machine", async (t) => {
  const { means } = await renting(t);
  const one = new OfferQueue(means, request);
  const other = new OfferQueue(means, { ...request, label: `${label}-2` });
  const [first, second] = await Promise.all([one.next(), other.next()]);
  assert.notEqual(first.machineId, second.machineId);
});

test("what Vast has rented although it refused is in the journal before it is released", async (t) => {
  const faults = [
    { on: "PUT /asks/{id}/", do: "errorWithContract" },
    { on: "DELETE /instances/{id}/", do: "authError401", times: 0 },
  ];
  const world = await renting(t, { faults, mayLive: ({ living }) => living() });
  await assert.rejects(rent(world.means, request));
  assert.deepEqual(world.journal.find(label)?.instanceIds, world.living());
});
