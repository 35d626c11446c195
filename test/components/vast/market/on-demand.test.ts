import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import type { OfferQuery, VastClient } from "../../../../components/vast/client/client.ts";
import { vastError } from "../../../../components/vast/client/errors.ts";
import type { Offer } from "../../../../components/vast/client/wire.ts";
import { onDemandOf, onDemandOfInstance, onDemandText } from "../../../../components/vast/market/on-demand.ts";
import { Prices } from "../../../../components/vast/market/prices.ts";
import { instance, offer } from "../../../support/rows.ts";

const slice = { machineId: 41907, gpus: 1, gpu: "H100 SXM" };
const at = Date.UTC(2026, 10, 27, 8, 30);

test("the same slice now, then as it was last seen, then the cheapest of the kind, then nothing", () => {
  const rows = [
    offer({ id: 5, dph_base: 2.3 }),
    offer({ id: 9, dph_base: 2.2 }),
    offer({ num_gpus: 2, dph_base: 1 }),
    offer({ machine_id: 2, dph_base: 1.9 }),
    offer({ machine_id: 3, gpu_name: "H100 PCIE", dph_base: 1.1 }),
  ];
  const of = (found: Offer[], seen?: number) =>
    onDemandOf(slice, found, seen === undefined ? undefined : { perHour: seen, at });
  assert.deepEqual(of(rows, 3), { perHour: 2.2, of: "machine", at: null });
  assert.deepEqual(of(rows.slice(2), 3), { perHour: 3, of: "earlier", at });
  assert.deepEqual(of(rows.slice(2)), { perHour: 1.9, of: "others", at: null });
  assert.equal(of(rows.slice(4)), null);
});

test("whose price it is can be read", () => {
  assert.equal(onDemandText({ perHour: 2.2, of: "machine", at: null }), "$2.200/h");
  assert.equal(onDemandText({ perHour: 2.2, of: "earlier", at }), "$2.200/h when last seen, 2026-11-27 08:30 UTC");
  assert.equal(onDemandText({ perHour: 2.2, of: "others", at: null }), "$2.200/h, the cheapest of the kind");
});

/** A market that answers searches for the machine with `own`, and for its kind with `kind`. */
function means(t: TestContext, own: Offer[] | "fails", kind: Offer[] = []) {
  const dir = mkdtempSync(join(tmpdir(), "vast-on-demand-test-"));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  const asked: OfferQuery[] = [];
  const searchOffers = async (query: OfferQuery) => {
    asked.push(query);
    if (own === "fails") throw vastError("server", "not now");
    return "machine_id" in query ? own : kind;
  };
  const client = { searchOffers } as unknown as VastClient;
  return { client, asked, prices: new Prices(dir, "", () => at) };
}

test("an instance is compared with its machine by one search, and the price is remembered", async (t) => {
  const world = means(t, [offer({ id: 1, dph_base: 2.2 }), offer({ id: 2, num_gpus: 8, dph_base: 16 })]);
  assert.equal((await onDemandOfInstance(world, instance()))?.perHour, 2.2);
  assert.deepEqual(world.asked, [{ machine_id: { eq: 41907 }, num_gpus: { eq: 1 }, type: "on-demand" }]);
  assert.deepEqual(world.prices.onDemand(slice), { perHour: 2.2, at });
});

test("held by somebody, us included: by what was seen, and only without that by the others", async (t) => {
  const world = means(t, [], [offer({ machine_id: 2, dph_base: 1.9 })]);
  assert.deepEqual(await onDemandOfInstance(world, instance()), { perHour: 1.9, of: "others", at: null });
  assert.equal(world.asked.length, 2);
  world.prices.noteOnDemand(slice, 2.2);
  assert.deepEqual(await onDemandOfInstance(world, instance()), { perHour: 2.2, of: "earlier", at });
  assert.equal(world.asked.length, 3);
});

test("a market that cannot be asked, or a machine that is not named, is nothing to compare with", async (t) => {
  assert.equal(await onDemandOfInstance(means(t, "fails"), instance()), null);
  const world = means(t, [offer()]);
  assert.equal(await onDemandOfInstance(world, instance({ machine_id: null })), null);
  assert.deepEqual(world.asked, []);
});
