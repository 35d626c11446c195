import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { ahead, billOf, rentalsIn } from "../../../components/events/bill.ts";
import type { Event, News } from "../../../components/events/event.ts";
import { Events } from "../../../components/events/events.ts";
import { release } from "../../../components/vast/rental/release.ts";
import { rent } from "../../../components/vast/rental/rental.ts";
import { resume } from "../../../components/vast/rental/resume.ts";
import { between, type Random, seeded } from "../../../simulator/base/random.ts";
import { happen } from "../../../simulator/world/mishaps.ts";
import { CaseScene } from "../../enumeration/scene.ts";
import { isAll } from "../../support/all.ts";
import { label, request as usual } from "../../support/request.ts";

const HOUR = 3_600_000;
const RENTED: Partial<News> = { instance: 7, gpu: "1x H100", gpuPerHour: 2, diskPerHour: 0.1, trafficPerGb: 0.02 };

/** Events at hours. */
function log(...happened: readonly [hour: number, what: Event["what"], facts?: Partial<News>][]): Event[] {
  return happened.map(([hour, what, facts]) => {
    return { at: 1 + hour * HOUR, run: "vt-one", actor: "a test", instance: 7, what, ...facts } as Event;
  });
}

const dollars = (events: readonly Event[], hour: number) => Number(billOf(events, 1 + hour * HOUR).total.toFixed(3));

test("the disk bills from the rental on, the GPUs while it runs, and a bid that was moved from then on", () => {
  const events = log([0, "rented", RENTED], [1, "ready"], [3, "bid moved", { gpuPerHour: 3 }]);
  assert.equal(dollars(events, 0.5), 0.05);
  assert.equal(dollars(events, 2), 2.2);
  assert.equal(dollars(events, 4), 7.4);
  assert.equal(billOf(events, 1 + 4 * HOUR).perHour, 3.1);
  assert.equal(ahead({ perHour: 3.1 }, 10), 31);
});

test("one that was found stopped has stopped between that and what was seen before", () => {
  const events = log([0, "rented", RENTED], [0, "ready"], [2, "synced", { bytes: 5e9 }], [4, "outbid"]);
  const [rental] = billOf(events, 1 + 10 * HOUR).rentals;
  assert.equal(rental?.running.toFixed(2), "6.30");
  assert.equal(rental?.stopped.toFixed(2), "0.70");
  assert.equal(rental?.traffic.toFixed(2), "0.10");
  assert.equal(rental?.perHour, 0.1);
  // Whoever found it stopped had seen it run an hour before.
  const closer = log([0, "rented", RENTED], [0, "ready"], [4, "outbid", { since: 1 + 3 * HOUR }]);
  assert.equal(billOf(closer, 1 + 10 * HOUR).rentals[0]?.running.toFixed(2), "7.35");
});

test("a release ends the bill of one machine, with the tail of its GPUs, and not that of the others", () => {
  const second = { ...RENTED, instance: 8 };
  const events = log([0, "rented", RENTED], [1, "failed"], [1, "released"], [1, "rented", second]);
  const bill = billOf(events, 1 + 3 * HOUR);
  assert.deepEqual(
    bill.rentals.map(({ total, to }) => [total.toFixed(2), to]),
    [
      ["0.10", 1 + HOUR],
      ["0.20", null],
    ],
  );
  const ran = log([0, "rented", RENTED], [0, "ready"], [1, "released"]);
  assert.equal(dollars(ran, 9), 2.183);
});

test("what was never rented costs nothing; what has no price, or a folded past, is told", () => {
  assert.deepEqual(rentalsIn(log([0, "quoted", RENTED], [1, "synced"])), []);
  assert.equal(billOf(log([0, "rented"]), HOUR).isLeast, true);
  const folded = log([0, "folded", { dollars: 12.5, rentals: 3 }], [1, "rented", { ...RENTED, since: 1 }]);
  const bill = billOf(folded, 1 + HOUR);
  assert.deepEqual([bill.earlier, bill.earlierDollars, bill.total.toFixed(2)], [3, 12.5, "12.60"]);
});

/** Nothing ends it by itself. */
const request = { ...usual, provisional: false };
/** 200 in `npm run test:all`. */
const LIVES = isAll ? 200 : 40;
/** How the real platform is. */
const TYPICAL = { report: [2, 15], load: [20, 60], start: [20, 60], ports: [0, 10], stop: [5, 30], destroy: [1, 10] };
/** The longest that a stop goes unseen: status --watch and logs -f look more often. */
const UNSEEN_SECONDS = 300;

/** A run by the real renting and releasing: runs, is outbid, comes back or moves to another machine, syncs, ends. */
async function live(scene: CaseScene, random: Random, events: Events): Promise<void> {
  const { hand: clock, world } = scene;
  const means = scene.meansOf(undefined, { events });
  let { instance } = await rent(means, request);
  const stints = 1 + Math.floor(random() * 3);
  for (let stint = 1; stint <= stints; stint++) {
    await clock.advance(between(random, 2, 9) * 3600);
    const contract = world.contracts.get(instance.id);
    assert.ok(contract);
    const up = Math.round(between(random, 1, 80) * 1e9);
    contract.traffic.push({ down: 0, up });
    events.note({ what: "synced", instance: instance.id, bytes: up });
    if (stint === stints) break;
    assert.equal(happen(world, contract, "outbid", { perHour: (contract.bid ?? 0) + 0.05 }), undefined);
    await clock.advance(random() * UNSEEN_SECONDS);
    const row = await means.client.instance(instance.id);
    assert.ok(row);
    events.noteSeen(row.id, row);
    await clock.advance(between(random, 0, 2) * 3600);
    const { criteria, publicKeys } = request;
    if (random() < 0.5) {
      const back = { instance: row, label, criteria, publicKey: publicKeys[0] ?? "", minutes: 30, onDemand: null };
      instance = (await resume(means, back)).instance;
    } else {
      await release(means, instance.id, { label });
      means.journal.closeInstance(instance.id);
      contract.offer.ask.tenant = undefined;
      instance = (await rent(means, request)).instance;
    }
  }
  await release(means, instance.id, { label });
}

test(`over ${LIVES} lives with outbids, moves, traffic and the tail the log is within 5 % of the ledger`, async (t) => {
  const dir = mkdtempSync(join(tmpdir(), "vast-bill-test-"));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  const kinds = new Set<string>();
  for (let seed = 1; seed <= LIVES; seed++) {
    const scene = await CaseScene.open(dir);
    Object.assign(scene.world.timings, TYPICAL, { tail: [0, 300] });
    const folder = mkdtempSync(join(dir, "events-"));
    const events = new Events(folder, { now: scene.hand.now, say: assert.fail, program: "test" });
    await live(scene, seeded(seed), events);
    await scene.hand.advance(60);
    const read = events.read().events;
    const { total, rentals } = billOf(read, scene.hand.now());
    const spent = scene.spent();
    assert.ok(Math.abs(total - spent) <= 0.05 * spent, `life ${seed}: ${total} by the log, ${spent} by the ledger`);
    assert.equal(scene.ours().length, 0);
    for (const { what } of read) kinds.add(what);
    if (rentals.length > 1) kinds.add("moved");
    await scene.close();
  }
  assert.deepEqual(
    ["rented", "ready", "outbid", "resumed", "synced", "released", "moved"].filter((kind) => !kinds.has(kind)),
    [],
  );
});
