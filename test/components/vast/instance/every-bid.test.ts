import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { startForFiles } from "../../../../components/checkpoints/rescue.ts";
import type { OfferQuery, VastClient } from "../../../../components/vast/client/client.ts";
import { vastError } from "../../../../components/vast/client/errors.ts";
import type { Instance, Offer } from "../../../../components/vast/client/wire.ts";
import { rebid } from "../../../../components/vast/instance/rebid.ts";
import { market } from "../../../../components/vast/market/offers.ts";
import { diskPerHour, isEcho } from "../../../../components/vast/market/price.ts";
import { Prices } from "../../../../components/vast/market/prices.ts";
import type { Means } from "../../../../components/vast/ready/means.ts";
import { resume } from "../../../../components/vast/rental/resume.ts";
import { integerBetween, pick, type Random, seeded } from "../../../../simulator/base/random.ts";
import { criteria, instance, offer } from "../../../support/rows.ts";

const MARKETS = 400;
const STOPPED = { actual_status: "exited", intended_status: "stopped", cur_state: "stopped", next_state: "stopped" };

/** A market of one GPU model, one machine of which is ours. Prices in ten-thousandths of a dollar and finer. */
interface Case {
  readonly cap: number;
  readonly markup: number;
  readonly bids: readonly Offer[];
  readonly onDemand: readonly Offer[];
  /** Of machine 1. */
  readonly held: Instance;
  readonly stopped: Instance;
  readonly floor: number;
}

function caseOf(random: Random): Case {
  const machines = [1, 2, 3].map((machineId) => {
    const onDemand = integerBetween(random, 4_000, 40_000) / 10_000;
    // Around it, equal to it, above it, and to the sixth digit.
    const share = pick(random, [0.4, 0.6, 0.9, 0.98, 0.9999, 1, 1, 1.0001, 1.2]);
    const floor = pick(random, [onDemand * share, Math.round(onDemand * share * 1e4) / 1e4]);
    return { machine_id: machineId, onDemand, floor };
  });
  const rows = machines.map((each, index) => {
    const gpus = pick(random, [1, 1, 1, 4]);
    const { floor, machine_id } = each;
    const row = { id: 10 + index, machine_id, num_gpus: gpus, min_bid: floor, dph_base: floor };
    return { ...each, gpus, bid: offer(row), onDemandRow: offer({ ...row, id: 90 - index, dph_base: each.onDemand }) };
  });
  const [own] = rows;
  assert.ok(own);
  const standing = own.floor * pick(random, [0.9, 1, 1.1, 1.5]);
  const row = { machine_id: 1, num_gpus: own.gpus, dph_base: standing, min_bid: own.floor };
  return {
    cap: pick(random, [own.floor * 0.9, own.floor + 0.0278, own.onDemand, own.onDemand * 2, 9]),
    markup: pick(random, [0, 0.1, 0.2, 1, 10]),
    bids: rows.map(({ bid }) => bid),
    onDemand: rows.map(({ onDemandRow }) => onDemandRow),
    held: instance(row),
    stopped: instance({ ...row, ...STOPPED }),
    floor: own.floor,
  };
}

/** What was bid for the machine of ours. */
async function bidOf(here: Case, prices: Prices, how: (means: Means) => Promise<unknown>): Promise<number | undefined> {
  let sent: number | undefined;
  const client = {
    searchOffers: async (query: OfferQuery) => {
      const { eq: machine } = (query.machine_id ?? {}) as { eq?: number };
      return here.onDemand.filter(({ machineId }) => machine === undefined || machineId === machine);
    },
    account: async () => ({ id: "1", email: null, credit: 50 }),
    instances: async () => [here.held],
    jobs: async () => [],
    changeBid: async (_id: number, bid: number) => {
      sent = bid;
      throw vastError("server", "that is all");
    },
    setState: async () => Promise.reject(vastError("server", "nothing was to be bid")),
  } as unknown as VastClient;
  const clock = { now: () => 1_787_100_000_000, sleep: async () => {} };
  const engine = { signal: new AbortController().signal, alive: async () => true };
  const means = { client, prices, clock, engine, logins: {}, progress: () => {}, say: async () => {} };
  await how(means as unknown as Means).catch(() => {});
  return sent;
}

test("no bid is at or above what the same machine costs on demand, above the cap, or below what wins", async (t) => {
  const dir = mkdtempSync(join(tmpdir(), "vast-bids-test-"));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  const random = seeded(15);
  const made = { rent: 0, bid: 0, resume: 0, rescue: 0 };
  for (let round = 0; round < MARKETS; round++) {
    const here = caseOf(random);
    const prices = new Prices(dir, `market ${round}`);
    const price = here.onDemand.find(({ machineId }) => machineId === 1)?.gpuPerHour ?? 0;
    const disk = here.held.diskPerHour ?? 0;
    const check = (
      who: keyof typeof made,
      bid: number | undefined,
      most: number,
      floor = here.floor,
      below = price,
    ) => {
      if (bid === undefined) return;
      made[who] += 1;
      const what = `${who} of market ${round}: ${bid}, floor ${floor}, on demand ${below}, at most ${most}`;
      assert.ok(bid < below && Number(bid.toFixed(4)) < Number(below.toFixed(4)), what);
      assert.ok(bid <= most + 1e-9, what);
      assert.ok(bid >= floor - 1e-9, what);
      assert.ok(Math.abs(bid * 1e4 - Math.round(bid * 1e4)) < 1e-6, what);
    };
    const wanted = { ...criteria, maxPricePerHour: here.cap, bidMarkup: here.markup };
    const searched = {
      gpuNames: async () => ["H100 SXM"],
      searchOffers: async ({ type }: OfferQuery) => (type === "bid" ? here.bids : here.onDemand),
    } as unknown as VastClient;
    for (const { machineId, gpus, bidPerHour } of (await market(searched, { ...wanted, maxOffers: 3 })).choices) {
      const row = here.bids.find((each) => each.machineId === machineId && each.gpus === gpus);
      const beside = here.onDemand.find((each) => each.machineId === machineId && each.gpus === gpus);
      assert.ok(row && beside && bidPerHour !== null);
      check("rent", bidPerHour, here.cap - diskPerHour(row, wanted.diskGb), row.minBid ?? 0, beside.gpuPerHour);
    }
    const standing = { floor: here.floor, markupBefore: here.markup + 0.1 };
    const inputs = { instanceId: String(here.held.id), maxPricePerHour: here.cap, bidMarkup: here.markup };
    const changed = await bidOf(here, prices, (means) => rebid(means, inputs, standing));
    // What the cap does not pay for is lowered to it all the same, and lost.
    check("bid", changed, here.cap - disk, Math.min(here.floor, changed ?? 0));
    const asked = { instance: here.stopped, label: "x", criteria: wanted, publicKey: "k", minutes: 1 };
    // What may be the echo of our own bid tells no floor.
    const floor = isEcho(here.floor, [here.held.gpuPerHour ?? 0]) ? 0 : here.floor;
    check("resume", await bidOf(here, prices, (means) => resume(means, asked)), here.cap - disk, floor);
    const terms = { budget: here.cap / 15, publicKey: "k" };
    const rescue = await bidOf(here, prices, (means) => startForFiles(means, here.stopped, terms));
    check("rescue", rescue, (terms.budget / 3) * 60 - disk, floor);
  }
  for (const [who, count] of Object.entries(made)) assert.ok(count > 30, `${who} bid ${count} times`);
});
