import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { openApi } from "../../../../components/vast/client/api.ts";
import type { VastClient } from "../../../../components/vast/client/client.ts";
import { isVastError, type VastErrorKind } from "../../../../components/vast/client/errors.ts";
import { phaseOf } from "../../../../components/vast/client/phase.ts";
import type { RentOrder } from "../../../../components/vast/client/requests.ts";
import type { OfferChoice } from "../../../../components/vast/market/choice.ts";
import type { OfferCriteria } from "../../../../components/vast/market/criteria.ts";
import { market } from "../../../../components/vast/market/offers.ts";
import { Searches } from "../../../../components/vast/market/quotes.ts";
import { endpoints } from "../../../../components/vast/ready/endpoints.ts";
import { type Fault, ledger } from "../../../../simulator/index.ts";
import { clientOn } from "../../../support/means.ts";
import { criteria as usual } from "../../../support/request.ts";
import { simulate } from "../../../support/simulator.ts";
import { ownTime } from "../../../support/time.ts";

const criteria: OfferCriteria = { ...usual, gpu: "h100_sxm", maxOffers: 5 };

/** Vast without machines, on a clock that only our waiting moves, with its rate limits on. */
async function simulator(t: TestContext, ...faults: Fault[]) {
  const { hand, clock } = ownTime();
  const { env, simulator: vast } = await simulate(t, { clock: hand, timings: { rent: 0 }, faults });
  const client = clientOn({ api: openApi({ apiUrl: "simulator", apiKeyFile: "" }, env), clock }, { now: clock.now });
  t.after(() => assert.deepEqual(vast.world.contracts.living(), [], "something is still rented"));
  return { client, clock: hand, sleep: clock.sleep, vast, world: vast.world };
}

const orderFor = (choice: OfferChoice): RentOrder => ({
  image: "japhba/cot-oracle",
  label: "vt-test",
  diskGb: criteria.diskGb,
  bidPerHour: choice.bidPerHour,
  env: {},
  onstart: "",
});

async function first(client: VastClient, wanted: OfferCriteria = criteria): Promise<OfferChoice> {
  const { choices, excluded } = await market(client, wanted);
  assert.equal(excluded, "");
  assert.ok(choices[0]);
  return choices[0];
}

async function gone(client: VastClient, id: number, sleep: (milliseconds: number) => Promise<void>): Promise<void> {
  await client.destroy(id);
  for (let look = 0; (await client.instance(id)) !== undefined; look++) {
    assert.ok(look < 50, "it does not go");
    await sleep(1000);
  }
}

test("rents what was quoted, follows it up, changes it and ends it, within the rate limits", async (t) => {
  const { client, sleep, world } = await simulator(t);
  const choice = await first(client);
  assert.equal(choice.gpu, "H100 SXM");
  assert.ok((choice.onDemandPerHour ?? 0) > (choice.bidPerHour ?? 0));
  assert.ok((await client.account()).credit);

  const id = await client.rent(choice.offerId, orderFor(choice));
  const texts = new Set<string>();
  for (let look = 0; look < 100; look++) {
    const [instance] = await client.instances({ label: "vt-test" });
    const { phase, text } = phaseOf(instance);
    texts.add(text);
    if (phase === "ready" && instance?.directPort != null) break;
    await sleep(100);
  }
  assert.ok(texts.has("2/6 image pull") && texts.has("5/6 ssh login"), [...texts].join(", "));

  const instance = await client.instance(id);
  assert.ok(instance);
  assert.equal(instance.isBid, true);
  assert.equal(instance.gpuPerHour, choice.bidPerHour);
  assert.equal(instance.machineId, choice.machineId);
  assert.ok((instance.totalPerHour ?? 99) <= choice.totalPerHour + 1e-9, "costs more than was quoted");
  assert.deepEqual(Object.keys(endpoints(instance)), ["direct", "proxy"]);

  await client.changeBid(id, 3);
  await client.setLabel(id, "vt-other");
  await client.setState(id, "stopped");
  await sleep(1000);
  const stopped = await client.instance(id);
  assert.equal(stopped?.label, "vt-other");
  assert.equal(stopped?.gpuPerHour, 3);
  assert.equal(phaseOf(stopped).phase, "stopped");

  await gone(client, id, sleep);
  await client.destroy(id);
  assert.deepEqual(await client.instances(), []);
  assert.deepEqual(
    world.requests.filter(({ status }) => status === 429).map(({ endpoint }) => endpoint),
    [],
  );
  assert.ok(ledger(world).total > 0);
});

test("rents on demand at the listed price", async (t) => {
  const { client, sleep } = await simulator(t);
  const choice = await first(client, { ...criteria, rental: "on-demand", maxPricePerHour: 10 });
  const id = await client.rent(choice.offerId, orderFor(choice));
  await sleep(1000);
  const instance = await client.instance(id);
  assert.equal(instance?.isBid, false);
  assert.ok(Math.abs((instance?.totalPerHour ?? 0) - choice.totalPerHour) < 0.001);
  await gone(client, id, sleep);
});

test("reads a list of many pages", async (t) => {
  const { client, sleep } = await simulator(t);
  const some: OfferChoice[] = [];
  for (const gpu of await client.gpuNames()) {
    const wanted = { ...criteria, gpu, verified: false, minReliability: 0, diskGb: 10, maxOffers: 30 };
    some.push(...(await market(client, wanted)).choices);
    if (some.length >= 30) break;
  }
  const ids: number[] = [];
  for (const choice of some.slice(0, 30))
    ids.push(await client.rent(choice.offerId, { ...orderFor(choice), label: "vt-many", diskGb: 10 }));
  await sleep(1000);
  const listed = await client.instances({ label: "vt-many" });
  assert.ok(listed.length > 25, "one page is not many");
  assert.deepEqual(
    listed.map(({ id }) => id),
    ids.toSorted((one, other) => one - other),
  );
  for (const id of ids) await gone(client, id, sleep);
});

const rent = "PUT /asks/{id}/";
const kinds: [fault: string, kind: VastErrorKind, rented: number][] = [
  ["offerTaken400", "offer_gone", 0],
  ["offerTaken404", "offer_gone", 0],
  ["offerTaken410", "offer_gone", 0],
  ["insufficientCredit", "no_credit", 0],
  ["spendLimit", "spend_limit", 0],
  ["authError404", "auth", 0],
  ["authError401", "auth", 0],
  ["serverErrorBefore", "ambiguous", 0],
  ["serverErrorAfter", "ambiguous", 1],
  ["serverErrorJson", "ambiguous", 0],
  ["resetBefore", "ambiguous", 0],
  ["resetAfter", "ambiguous", 1],
  ["empty200", "ambiguous", 1],
  ["truncatedJson", "ambiguous", 1],
];

for (const [fault, kind, rented] of kinds) {
  test(`a rental that meets ${fault} is ${kind} and was sent once`, async (t) => {
    const { client, sleep, world } = await simulator(t, { on: rent, do: fault });
    const choice = await first(client);
    await assert.rejects(client.rent(choice.offerId, orderFor(choice)), (error) => isVastError(error, kind));
    assert.equal(world.requests.filter(({ endpoint }) => endpoint === rent).length, 1);
    await sleep(1000);
    const left = await client.instances({ label: "vt-test" });
    assert.equal(left.length, rented);
    for (const { id } of left) await gone(client, id, sleep);
  });
}

test("an error that rented all the same tells the instance", async (t) => {
  const { client, sleep } = await simulator(t, { on: rent, do: "errorWithContract" });
  const choice = await first(client);
  const error: unknown = await client.rent(choice.offerId, orderFor(choice)).catch((reason: unknown) => reason);
  assert.ok(isVastError(error) && error.newContract !== undefined);
  await sleep(1000);
  await gone(client, error.newContract, sleep);
});

for (const style of ["detail", "text", "msg", "destroy"]) {
  test(`a 429 to a rental (${style}) is waited for`, async (t) => {
    const { client, clock, sleep } = await simulator(t, { on: rent, do: "tooFrequent", style, threshold: 4.5 });
    const choice = await first(client);
    const before = clock.now();
    const id = await client.rent(choice.offerId, orderFor(choice));
    assert.ok(clock.now() - before >= 4500);
    await sleep(1000);
    await gone(client, id, sleep);
  });
}

test("an unknown key is an error of the key everywhere", async (t) => {
  const { vast } = await simulator(t);
  const api = { url: vast.url, key: () => "not-the-key", keySource: "a test" };
  const client = clientOn({ api, clock: { now: () => 0, sleep: async () => {} } });
  const auth = (error: unknown) => isVastError(error, "auth");
  await assert.rejects(client.account(), auth);
  await assert.rejects(client.instance(7), auth);
  await assert.rejects(client.instances(), auth);
  await assert.rejects(client.destroy(7), auth);
});

test("an image that does not exist, and a host that cannot, are told apart", async (t) => {
  const boot: [string, string][] = [
    ["imageNotFound", "image"],
    ["pullDenied", "image"],
    ["pullLimit", "limited"],
    ["unexpectedEof", "host"],
    ["noSpace", "host"],
    ["ociFail", "host"],
  ];
  for (const [fault, cause] of boot) {
    const { client, sleep } = await simulator(t, { on: "boot", do: fault });
    const choice = await first(client);
    const id = await client.rent(choice.offerId, orderFor(choice));
    await sleep(10_000);
    const phase = phaseOf(await client.instance(id));
    assert.equal(phase.phase, "failed", fault);
    assert.equal(phase.cause, cause, fault);
    await gone(client, id, sleep);
  }
});

test("an outbid instance reads as outbid", async (t) => {
  const { client, sleep } = await simulator(t, { on: "run", do: "outbid" });
  const choice = await first(client);
  const id = await client.rent(choice.offerId, orderFor(choice));
  await sleep(10_000);
  const phase = phaseOf(await client.instance(id));
  assert.deepEqual([phase.phase, phase.cause], ["stopped", "outbid"]);
  await gone(client, id, sleep);
});

test("says why nothing fits, from the whole market", async (t) => {
  const { client } = await simulator(t);
  const dear = await market(client, { ...criteria, maxPricePerHour: 0.05 });
  assert.deepEqual(dear.choices, []);
  assert.match(dear.excluded, /none of \d+ offers of H100 SXM \(interruptible\) fits: .*\d+ above \$0\.050\/h/);
  assert.equal(dear.blame, "maxPricePerHour");
  const unknown = await market(client, { ...criteria, gpu: "H1000 SXM" });
  assert.match(unknown.excluded, /nearest name on the market is "H100 SXM"/);
});

const logs: [fault: Omit<Fault, "on">, words: RegExp | undefined, error?: RegExp][] = [
  [{ do: "logsForbidden", polls: 5 }, /no space left on device/],
  [{ do: "logsForbidden", polls: 0 }, undefined, /Vast announced a log that did not appear; try again/],
  [{ do: "logsStale" }, /^$/],
];

for (const [fault, words, error] of logs) {
  test(`the log of a host whose address ${fault.do}${fault.polls === 0 ? " for ever" : ""}`, async (t) => {
    const broken = { on: "boot", do: "noSpace" };
    const { client, sleep } = await simulator(t, broken, {
      on: "PUT /instances/request_logs/{id}/",
      ...fault,
    } as Fault);
    const choice = await first(client);
    const id = await client.rent(choice.offerId, orderFor(choice));
    await sleep(10_000);
    const reading = client.logs(id, { daemon: true });
    if (error === undefined) assert.match(await reading, words ?? /./);
    else await assert.rejects(reading, error);
    await gone(client, id, sleep);
  });
}

test("the log of an instance is fetched", async (t) => {
  const { client, sleep } = await simulator(t);
  const choice = await first(client);
  const id = await client.rent(choice.offerId, orderFor(choice));
  await sleep(10_000);
  assert.equal(typeof (await client.logs(id, { tail: 10 })), "string");
  await gone(client, id, sleep);
});

test("once the day's searches are used up none is sent until midnight, and everything else goes on", async (t) => {
  for (const form of ["seconds", "milliseconds", "date", "iso", "none"]) {
    const { client, clock, world } = await simulator(t);
    const choice = await first(client);
    const id = await client.rent(choice.offerId, orderFor(choice));
    await clock.advance(5);
    world.faults.add({ on: "POST /bundles/", do: "searchQuota", form, times: 0 });
    const searches = () => world.requests.filter(({ endpoint }) => endpoint === "POST /bundles/").length;
    const before = searches();
    const refused = (error: unknown) => {
      assert.ok(isVastError(error, "search_quota"), String(error));
      assert.equal(error.resetsAt, Date.UTC(2026, 8, 2));
      assert.match(error.message, /from 2026-09-02 00:00 UTC on; destroy, sync, logs, refresh and an up with nothing/);
      return true;
    };
    // A bid's market is asked with the on-demand prices beside it: both were on their way.
    await assert.rejects(market(client, criteria), refused);
    assert.equal(searches(), before + 2);
    await assert.rejects(market(client, criteria), refused);
    assert.equal(searches(), before + 2);
    assert.equal((await client.instance(id))?.id, id);
    assert.equal((await client.instances()).length, 1);
    assert.equal(await client.destroy(id), true);
    await clock.advance(86_400);
    assert.ok((await market(client, criteria)).choices.length > 0);
  }
});

test("those who only look share a minute's answers; one that is to rent asks anew", async (t) => {
  const { client, clock, world } = await simulator(t);
  const quotesDir = mkdtempSync(join(tmpdir(), "vast-searches-test-"));
  t.after(() => rmSync(quotesDir, { recursive: true, force: true }));
  const searches = () => world.requests.filter(({ endpoint }) => endpoint === "POST /bundles/").length;
  const look = (wanted = criteria) =>
    market(client, wanted, { shared: new Searches({ quotesDir, owner: "abcdefgh" }, clock.now) });
  const found = await look();
  assert.equal(searches(), 2);
  assert.deepEqual(await look(), found);
  const dearer = await look({ ...criteria, maxPricePerHour: 3.4 });
  assert.equal(dearer.choices[0]?.offerId, found.choices[0]?.offerId);
  assert.equal(searches(), 2, "another price is no other question");
  await market(client, criteria);
  assert.equal(searches(), 4);
  await clock.advance(60);
  await look();
  assert.equal(searches(), 6);
  world.faults.add({ on: "POST /bundles/", do: "searchQuota", times: 0 });
  assert.deepEqual((await look()).choices[0]?.offerId, found.choices[0]?.offerId, "what is known needs no search");
});
