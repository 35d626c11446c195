import assert from "node:assert/strict";
import { test } from "node:test";
import type { OfferCriteria } from "../../../../components/vast/market/criteria.ts";
import { market, offerQuery } from "../../../../components/vast/market/offers.ts";
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

test("the market answers with choices and the on-demand price beside the bid", async (t) => {
  const api = await scriptedApi(t, search(row(1), row(2)), search(row(1, { dph_base: 2.5 })));
  const found = await market(api.client, { ...criteria, maxOffers: 1 });
  assert.equal(found.excluded, "");
  assert.equal(found.choices.length, 1);
  // The two searches leave side by side, so either answer may have come first.
  assert.deepEqual(
    new Set(api.asked.map(({ body }) => (body as { type: string }).type)),
    new Set(["bid", "on-demand"]),
  );
});

test("machines that were tried are passed over", async (t) => {
  const api = await scriptedApi(t, search(row(1), row(2)));
  const found = await market(api.client, criteria, { skipMachines: new Set([1]), onDemandPrice: false });
  assert.deepEqual(
    found.choices.map(({ offerId }) => offerId),
    [2],
  );
});

test("the next page is read only when it could change the choice", async (t) => {
  const dear = Array.from({ length: 64 }, (_, i) => row(100 + i, { dph_total: 2, verification: "unverified" }));
  const api = await scriptedApi(t, search(...dear), search(row(163, { dph_total: 2 }), row(7, { dph_total: 2.1 })));
  const found = await market(api.client, criteria, { onDemandPrice: false });
  assert.deepEqual(
    found.choices.map(({ offerId }) => offerId),
    [7],
  );
  assert.deepEqual(api.asked[1]?.body, { ...offerQuery("H100 SXM", criteria), dph_total: { gte: 2 } });
  const enough = Array.from({ length: 64 }, (_, i) => row(100 + i, { dph_total: 2 }));
  const one = await scriptedApi(t, search(...enough));
  assert.equal((await market(one.client, criteria, { onDemandPrice: false })).choices.length, 5);
});

test("pages end where prices pass the cap, and where nothing new comes", async (t) => {
  const above = Array.from({ length: 64 }, (_, i) => row(100 + i, { dph_total: 4, min_bid: 4 }));
  const api = await scriptedApi(t, search(...above), search(...above), search(...above));
  const found = await market(api.client, criteria, { onDemandPrice: false });
  assert.deepEqual(found.choices, []);
});

test("when nothing fits, it says which filter excludes how many, and what is nearest", async (t) => {
  const api = await scriptedApi(
    t,
    search(),
    search(row(1, { reliability2: 0.9 }), row(2, { num_gpus: 8, min_bid: 12 }), row(3, { min_bid: 3.6 })),
  );
  const found = await market(api.client, criteria, { onDemandPrice: false });
  assert.equal(
    found.excluded,
    "none of 3 offers of H100 SXM (interruptible) fits: 2 above $3.500/h (maxPricePerHour), 1 below 0.95 reliability " +
      "(minReliability), 1 another number of GPUs (gpus); nearest is 1x H100 SXM in Texas, US at $1.528/h (reliability 0.9)",
  );
  assert.equal(found.blame, "minReliability");
});

test("a machine that was tried is named as such", async (t) => {
  const api = await scriptedApi(t, search(row(1)), search(row(1)));
  const found = await market(api.client, criteria, { skipMachines: new Set([1]), onDemandPrice: false });
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
  const found = await market(api.client, { ...criteria, gpu: "z900_ultra" }, { onDemandPrice: false });
  assert.equal(found.choices[0]?.gpu, "Z900 ULTRA");
});

test("a well-known GPU that nobody offers is looked up, then said to be missing", async (t) => {
  const api = await scriptedApi(t, search(), search(), names("H100 SXM"));
  const found = await market(api.client, criteria, { onDemandPrice: false });
  assert.equal(found.excluded, "nobody offers H100 SXM (interruptible) at the moment");
});

test("a market that cannot be asked is an error, not an empty market", async (t) => {
  const refused: Exchange = { ask: "POST /api/v0/bundles/", answer: { status: 401, body: { error: "auth_error" } } };
  const api = await scriptedApi(t, refused);
  await assert.rejects(market(api.client, criteria, { onDemandPrice: false }), /refused/);
});
