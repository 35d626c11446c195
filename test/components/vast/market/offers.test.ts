import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import type { OfferQuery, VastClient } from "../../../../components/vast/client/client.ts";
import { type VastErrorKind, vastError } from "../../../../components/vast/client/errors.ts";
import { offerFromWire } from "../../../../components/vast/client/wire.ts";
import type { Line } from "../../../../components/vast/ledger/line.ts";
import { standingsOf } from "../../../../components/vast/ledger/standing.ts";
import type { OfferChoice } from "../../../../components/vast/market/choice.ts";
import type { OfferCriteria } from "../../../../components/vast/market/criteria.ts";
import { type Market, market, marketRows, offerQuery } from "../../../../components/vast/market/offers.ts";
import { Prices } from "../../../../components/vast/market/prices.ts";
import { quoteLine, quoteOf } from "../../../../components/vast/market/quote.ts";
import { criteria, offerRow } from "../../../support/rows.ts";
import { type Exchange, scriptedApi } from "../../../support/scripted-api.ts";

const onDemand: OfferCriteria = { ...criteria, rental: "on-demand" };

const search = (...offers: unknown[]): Exchange => ({ ask: "POST /api/v0/bundles/", answer: { body: { offers } } });
const names = (...gpu_names: string[]): Exchange => ({
  ask: "GET /api/v0/gpu_names/unique/",
  answer: { body: { gpu_names } },
});
/** A row with its own id and machine. */
const row = (id: number, changes: Record<string, unknown> = {}) => offerRow({ id, machine_id: id, ...changes });

test("the query names every filter in Vast's grammar", () => {
  assert.deepEqual(offerQuery("H100 SXM", criteria), {
    type: "bid",
    gpu_name: { eq: "H100 SXM" },
    num_gpus: { eq: 1 },
    verified: { eq: true },
    rentable: { eq: true },
    external: { eq: false },
    direct_port_count: { gte: 1 },
    reliability2: { gte: 0.95 },
    inet_down: { gte: 200 },
    duration: { gte: 86400 },
    disk_space: { gte: 100 },
    allocated_storage: 100,
    order: [["dph_total", "asc"]],
    limit: 64,
  });
  assert.equal(offerQuery("H100 SXM", onDemand).type, "on-demand");
  assert.equal("verified" in offerQuery("H100 SXM", { ...criteria, verified: false }), false);
});

/** Answers each search by its kind, in whatever order they come. */
async function markets(t: TestContext, bids: unknown[], onDemandRows: unknown[] | "fails") {
  const asked: string[] = [];
  const client = {
    gpuNames: async () => ["H100 SXM"],
    searchOffers: async ({ type }: OfferQuery) => {
      asked.push(String(type));
      if (type === "bid") return bids.map(offerFromWire).filter((each) => each !== undefined);
      if (onDemandRows === "fails") throw vastError("server", "not now");
      return onDemandRows.map(offerFromWire).filter((each) => each !== undefined);
    },
  } as unknown as VastClient;
  const dir = mkdtempSync(join(tmpdir(), "vast-market-test-"));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  return { asked, client, prices: new Prices(dir, "", () => 1_800_000_000_000) };
}

const beside = ({ choices }: Market) =>
  choices.map(({ machineId, bidPerHour, onDemandPerHour, onDemandOf }) => [
    machineId,
    bidPerHour,
    onDemandPerHour,
    onDemandOf,
  ]);

test("a bid is compared with the on-demand price of its machine, whatever the ids are, in one more search", async (t) => {
  const here = await markets(
    t,
    [row(1, { min_bid: 2.13 }), row(2)],
    [
      row(77, { machine_id: 1, dph_base: 2.2 }),
      row(1, { machine_id: 3, dph_base: 1.2, dph_total: 1.2278 }),
      row(2, { num_gpus: 2, dph_base: 1 }),
    ],
  );
  const found = await market(here.client, criteria, { prices: here.prices });
  assert.deepEqual(here.asked.toSorted(), ["bid", "on-demand"]);
  assert.deepEqual(beside(found), [[1, 2.1999, 2.2, "machine"]], "and machine 2 costs less on demand elsewhere");
  assert.equal(found.onDemandTotal, 1.2278);
});

test("a machine that has the image, which may be known only after the search, goes before a cheaper one", async (t) => {
  const { client } = await markets(t, [row(1, { min_bid: 1.5 }), row(2, { min_bid: 1.501 })], []);
  const order = async (machines: number[]) => {
    const onMachines = new Map(machines.map((id) => [id, 0]));
    const pull = Promise.resolve({ bytes: 15e9, besideBase: null, onMachines });
    const wanted = { ...criteria, minDurationHours: 1 };
    const { choices } = await market(client, wanted, { pull });
    const rows = await marketRows(client, wanted, { pull });
    const ranked = choices.map(({ machineId }) => machineId);
    assert.deepEqual(
      rows.map(({ offer }) => offer.machineId),
      ranked,
    );
    return ranked;
  };
  assert.deepEqual(await order([]), [1, 2]);
  assert.deepEqual(await order([2]), [2, 1]);
  assert.deepEqual(await order([1, 2]), [1, 2]);
});

test("a machine that is not listed on demand: its last price, else the cheapest of the kind, else nothing", async (t) => {
  const others = await markets(t, [row(1)], [row(2, { dph_base: 1.7 }), row(3, { dph_base: 1.6 })]);
  assert.deepEqual(beside(await market(others.client, criteria)), [[1, 1.5999, 1.6, "others"]]);
  others.prices.noteOnDemand({ machineId: 1, gpus: 1 }, 1.65);
  others.prices.noteOnDemand({ machineId: 1, gpus: 2 }, 1.2);
  const seen = await market(others.client, criteria, others);
  assert.deepEqual(beside(seen), [[1, 1.6499, 1.65, "earlier"]]);
  assert.match(
    quoteLine(quoteOf(seen.choices[0] as OfferChoice)),
    /on demand \$1\.650\/h when last seen, 2027-01-15 08:00 UTC/,
  );
  for (const rows of [[], "fails" as const]) {
    const none = await markets(t, [row(1)], rows);
    const found = await market(none.client, criteria, none);
    assert.deepEqual(beside(found), [[1, 1.8, null, null]]);
    assert.match(
      quoteLine(quoteOf(found.choices[0] as OfferChoice)),
      /bid \$1\.800\/h \(nothing to compare it with on demand\)/,
    );
  }
});

test("a key that is refused on demand is refused: nothing is bid", async (t) => {
  const here = await markets(t, [row(1)], "fails");
  const refuse = (kind: VastErrorKind) => {
    const searchOffers = async ({ type }: OfferQuery) =>
      type === "bid" ? here.client.searchOffers({ type }) : Promise.reject(vastError(kind, "refused"));
    return market({ ...here.client, searchOffers } as unknown as VastClient, criteria);
  };
  for (const kind of ["auth", "forbidden"] as const) await assert.rejects(refuse(kind), /refused/);
  assert.equal((await refuse("rate_limited")).choices.length, 1);
});

test("when both searches are refused it is one error, and nothing is left that nobody waits for", async () => {
  const searchOffers = async ({ type }: OfferQuery) => {
    // The one on demand is answered last.
    if (type !== "bid") await new Promise((done) => setImmediate(done));
    throw vastError("auth", "refused");
  };
  await assert.rejects(market({ searchOffers } as unknown as VastClient, criteria), /refused/);
  await new Promise((done) => setImmediate(() => setImmediate(done)));
});

test("what is seen of a chosen machine is remembered, whichever way it is to be rented", async (t) => {
  for (const asked of [criteria, onDemand]) {
    const here = await markets(t, [row(1)], [row(1, { dph_base: 2.5 })]);
    await market(here.client, asked, here);
    assert.deepEqual(here.prices.onDemand({ machineId: 1, gpus: 1 }), { perHour: 2.5, at: 1_800_000_000_000 });
  }
});

test("offers that cost no more on demand are passed over; when all do, it says what to set", async (t) => {
  const here = await markets(
    t,
    [row(1, { min_bid: 2.13 }), row(2, { min_bid: 2.3 }), row(3, { min_bid: 2.1 })],
    [row(1, { dph_base: 2.13 }), row(2, { dph_base: 2.2 }), row(3, { dph_base: 2.12 })],
  );
  assert.deepEqual(beside(await market(here.client, criteria)), [[3, 2.1199, 2.12, "machine"]]);
  const found = await market(here.client, criteria, { skipMachines: new Set([3]) });
  assert.equal(
    found.excluded,
    "none of 3 offers of H100 SXM (interruptible) fits: 2 that cost no more on demand (rental), 1 on machines already tried or " +
      "in use by us; nearest is 1x H100 SXM in Texas, US at $2.128/h (already tried or in use by us); on demand costs no more " +
      "than a bid, and nobody can take it away: pulumi config set rental on-demand",
  );
  assert.equal(found.blame, "rental");
});

test("a cap between on demand and the lowest bid: on demand is named too", async (t) => {
  const rows = (price: number) => markets(t, [row(1, { min_bid: 2.5 })], [row(1, { dph_base: price })]);
  const capped = { ...criteria, maxPricePerHour: 2.3 };
  const fits = await market((await rows(2.2)).client, capped);
  assert.match(
    fits.excluded,
    /nearest is .* at \$2\.528\/h \(on demand \$2\.200\/h\); on demand costs no more than a bid/,
  );
  const dear = await market((await rows(2.4)).client, capped);
  assert.doesNotMatch(dear.excluded, /pulumi config set/, "it is above the cap as well");
  const slices = await markets(
    t,
    [row(1, { num_gpus: 4, min_bid: 8 })],
    [row(1, { dph_base: 2 }), row(2, { num_gpus: 4, dph_base: 9 })],
  );
  const [choice] = (await market(slices.client, { ...criteria, gpus: 4, maxPricePerHour: 14 })).choices;
  assert.deepEqual(
    [choice?.bidPerHour, choice?.onDemandOf],
    [8.9999, "others"],
    "another slice of the machine tells nothing",
  );
});

test("a minimum that is our own bid gets no markup on top", async (t) => {
  const here = await markets(t, [row(1, { min_bid: 1.801 })], [row(1, { dph_base: 2.5 })]);
  here.prices.noteBid({ machineId: 1, gpus: 1 }, { perHour: 1.8006, floor: 1.5005 });
  const [choice] = (await market(here.client, criteria, here)).choices;
  assert.deepEqual([choice?.bidPerHour, choice?.minBidPerHour], [1.801, 1.5005]);
  const [other] = (await market(here.client, criteria)).choices;
  assert.equal(other?.bidPerHour, 2.1612, "which nobody else can know");
});

test("ids that change between two pages make no second offer of a machine", async (t) => {
  const page = (from: number) =>
    Array.from({ length: 64 }, (_, i) =>
      row(from + i, { machine_id: 100 + i, dph_total: 2, verification: "unverified" }),
    );
  const api = await scriptedApi(
    t,
    search(...page(1)),
    search(...page(1000)),
    search(...page(1)),
    search(...page(1000)),
  );
  const found = await market(api.client, onDemand);
  assert.match(found.excluded, /^none of 64 offers/);
});

test("machines that were tried are passed over", async (t) => {
  const api = await scriptedApi(t, search(row(1), row(2)));
  const found = await market(api.client, onDemand, { skipMachines: new Set([1]) });
  assert.deepEqual(
    found.choices.map(({ offerId }) => offerId),
    [2],
  );
});

/** Machines that have failed, so many hours ago. */
function failedBefore(...faults: [machineId: number, hours: number][]) {
  const now = 1_800_000_000_000;
  const lines = faults.map(([machineId, hours]): Line => {
    const at = now - hours * 3_600_000;
    return { at, api: "00000000", machineId, gpus: 1, what: "fault", words: "no ssh" };
  });
  return { standings: () => standingsOf(lines, now) };
}

test("a machine that failed within the week is passed over, and named where it is cheaper", async (t) => {
  const rows = [1, 2, 3].map((id) => row(id, { dph_base: id * 0.5, dph_total: id * 0.5 + 0.03 }));
  const api = await scriptedApi(t, search(...rows));
  const found = await market(api.client, onDemand, { ledger: failedBefore([1, 50], [3, 1]) });
  assert.deepEqual(
    found.choices.map(({ machineId }) => machineId),
    [2],
  );
  assert.equal(found.passedOver, "passed over for a week: machine 1: failed 2 d 2 h ago (no ssh)");
});

test("when all that fit have failed, the least bad comes first; what was tried already does not come at all", async (t) => {
  const rows = [1, 2, 3].map((id) => row(id));
  const api = await scriptedApi(t, search(...rows));
  const ledger = failedBefore([1, 2], [2, 9], [3, 5]);
  const found = await market(api.client, onDemand, { ledger, skipMachines: new Set([2]) });
  assert.deepEqual(
    found.choices.map(({ machineId }) => machineId),
    [3, 1],
  );
  assert.equal(
    found.passedOver,
    "every machine that fits has failed within a week, and the least bad of them is offered: machine 3: failed 5 h 0 min ago (no ssh)",
  );
  assert.deepEqual([found.excluded, found.blame], ["", null]);
});

test("the next page is read where those of the first have failed", async (t) => {
  const first = Array.from({ length: 64 }, (_, i) => row(100 + i, { dph_total: 2 }));
  const api = await scriptedApi(t, search(...first), search(row(7, { dph_total: 2.1 })));
  const ledger = failedBefore(...first.map((_, i): [number, number] => [100 + i, 1]));
  const found = await market(api.client, { ...onDemand, maxOffers: 1 }, { ledger });
  assert.deepEqual(
    found.choices.map(({ machineId }) => machineId),
    [7],
  );
});

test("the next page is read only when it could change the choice", async (t) => {
  const dear = Array.from({ length: 64 }, (_, i) => row(100 + i, { dph_total: 2, verification: "unverified" }));
  const api = await scriptedApi(t, search(...dear), search(row(163, { dph_total: 2 }), row(7, { dph_total: 2.1 })));
  const found = await market(api.client, onDemand);
  assert.deepEqual(
    found.choices.map(({ offerId }) => offerId),
    [7],
  );
  assert.deepEqual(api.asked[1]?.body, { ...offerQuery("H100 SXM", onDemand), dph_total: { gte: 2 } });
  const enough = Array.from({ length: 64 }, (_, i) => row(100 + i, { dph_total: 2 }));
  const one = await scriptedApi(t, search(...enough));
  assert.equal((await market(one.client, onDemand)).choices.length, 5);
});

test("pages end where prices pass the cap, and where nothing new comes", async (t) => {
  const above = Array.from({ length: 64 }, (_, i) => row(100 + i, { dph_total: 4, dph_base: 4 }));
  const api = await scriptedApi(t, search(...above), search(...above), search(...above));
  const found = await market(api.client, onDemand);
  assert.deepEqual(found.choices, []);
});

test("when nothing fits, it says which filter excludes how many, and what is nearest", async (t) => {
  const api = await scriptedApi(
    t,
    search(),
    search(row(1, { reliability2: 0.9 }), row(2, { num_gpus: 8, dph_base: 12 }), row(3, { dph_base: 3.6 })),
  );
  const found = await market(api.client, onDemand);
  assert.equal(
    found.excluded,
    "none of 3 offers of H100 SXM (on-demand) fits: 2 above $3.500/h (maxPricePerHour), 1 below 0.95 reliability " +
      "(minReliability), 1 another number of GPUs (gpus); nearest is 1x H100 SXM in Texas, US at $1.528/h (reliability 0.9)",
  );
  assert.equal(found.blame, "minReliability");
});

test("where the number of GPUs is to blame, those on offer are listed", async (t) => {
  const sizes = [8, 1, 2, 2].map((num_gpus, index) => row(index + 1, { num_gpus }));
  const api = await scriptedApi(t, search(), search(...sizes));
  const found = await market(api.client, { ...onDemand, gpus: 3, maxPricePerHour: 100 });
  assert.equal(found.blame, "gpus");
  assert.match(
    found.excluded,
    /4 another number of GPUs \(gpus\); on offer are machines with 1, 2, 8 GPUs; nearest is /,
  );
});

test("a machine that was tried is named as such", async (t) => {
  const api = await scriptedApi(t, search(row(1)), search(row(1)));
  const found = await market(api.client, onDemand, { skipMachines: new Set([1]) });
  assert.match(found.excluded, /1 on machines already tried/);
  assert.equal(found.blame, null);
});

test("an unknown GPU gets the nearest name on the market", async (t) => {
  const api = await scriptedApi(t, names("H100 SXM", "RTX 4090"));
  const found = await market(api.client, { ...criteria, gpu: "H100 SXN" });
  assert.equal(found.excluded, 'Vast has no GPU called "H100 SXN"; the nearest name on the market is "H100 SXM"');
  assert.equal(found.blame, "gpu");
});

test("a GPU that only the market knows is asked for in its spelling", async (t) => {
  const api = await scriptedApi(t, names("Z900 ULTRA"), search(row(1, { gpu_name: "Z900 ULTRA" })));
  const found = await market(api.client, { ...onDemand, gpu: "z900_ultra" });
  assert.equal(found.choices[0]?.gpu, "Z900 ULTRA");
});

test("a well-known GPU that nobody offers is looked up, then said to be missing", async (t) => {
  const api = await scriptedApi(t, search(), search(), names("H100 SXM"));
  const found = await market(api.client, onDemand);
  assert.equal(found.excluded, "nobody offers H100 SXM (on-demand) at the moment");
});

test("a market that cannot be asked is an error, not an empty market", async (t) => {
  const refused: Exchange = { ask: "POST /api/v0/bundles/", answer: { status: 401, body: { error: "auth_error" } } };
  const api = await scriptedApi(t, refused);
  await assert.rejects(market(api.client, onDemand), /refused/);
});
