import assert from "node:assert/strict";
import { test } from "node:test";
import { Ledger } from "../../../../components/vast/ledger/ledger.ts";
import { UNKNOWN_PULL } from "../../../../components/vast/ledger/pull.ts";
import { knownText } from "../../../../components/vast/ledger/standing.ts";
import { market } from "../../../../components/vast/market/offers.ts";
import { quoteOf } from "../../../../components/vast/market/quote.ts";
import { release } from "../../../../components/vast/rental/release.ts";
import { rent } from "../../../../components/vast/rental/rental.ts";
import { type Fault, ledger } from "../../../../simulator/index.ts";
import { clientWith, closedDoors } from "../../../support/means.ts";
import { renting, slowDoors, type World } from "../../../support/renting.ts";
import { criteria, request } from "../../../support/request.ts";

const DAY = 86_400;

/** As another command, which no machine is closed to; which machine it got. */
async function rentAnew(world: World, changed: Partial<typeof request> = {}): Promise<number | null> {
  const means = world.meansWith({ client: clientWith(world.means.client, {}) });
  const { instance } = await rent(means, { ...request, ...changed });
  await release(means, instance.id);
  world.journal.closeInstance(instance.id);
  return instance.machineId;
}

const tried = (world: World) => ledger(world.simulator.world).contracts.map(({ machineId }) => machineId);
const known = (world: World) => world.means.ledger?.standings().all ?? [];

test("a machine that failed is taken by no rental of the week, whatever was quoted, and then again", async (t) => {
  const world = await renting(t, { faults: [{ on: "boot", do: "ociFail" }] });
  const [cheapest] = (await market(world.means.client, criteria)).choices;
  assert.ok(cheapest);
  const second = await rentAnew(world);
  assert.deepEqual(tried(world), [cheapest.machineId, second]);
  world.said.length = 0;
  await world.clock.advance(6 * DAY);
  assert.notEqual(await rentAnew(world, { quote: quoteOf(cheapest) }), cheapest.machineId);
  const line = `passed over for a week: machine ${cheapest.machineId}: failed 6 d 0 h ago (its host cannot start it: `;
  assert.ok(
    world.said.some((text) => text.startsWith(line)),
    world.said.join("\n"),
  );
  await world.clock.advance(DAY);
  assert.equal(await rentAnew(world), cheapest.machineId);
});

test("when every machine has failed the least bad one is taken, and that is said", async (t) => {
  const world = await renting(t, { faults: [{ on: "boot", do: "ociFail", times: 0 }] });
  const all = {
    criteria: { ...criteria, gpus: 8, maxPricePerHour: 100, maxOffers: 64 },
    minutes: { machine: 30, total: 6000 },
  };
  await assert.rejects(rentAnew(world, all), /no offer to rent: none of/);
  const failed = tried(world);
  assert.ok(failed.length > 1 && new Set(failed).size === failed.length, `${failed}`);
  world.simulator.world.faults.clear();
  assert.equal(await rentAnew(world, all), failed[0], "the one that failed longest ago");
  assert.match(
    world.said.join("\n"),
    new RegExp(`every machine that fits has failed within a week, .* offered: machine ${failed[0]}: failed `),
  );
});

test("what a machine was like is known: boot, pull, and its price on demand", async (t) => {
  const world = await renting(t, { timings: { pull: 100 } });
  const machineId = await rentAnew(world, { pull: { ...UNKNOWN_PULL, bytes: 10e9 } });
  const [one, ...others] = known(world);
  assert.deepEqual([one?.machineId, one?.gpus, others], [machineId, 1, []]);
  const bootSeconds = one?.bootSeconds ?? 0;
  const pullSeconds = 80_000 / (one?.pullMbps ?? 0);
  assert.ok(pullSeconds < bootSeconds * 1.02 && pullSeconds > bootSeconds / 2, `${pullSeconds} of ${bootSeconds}`);
  assert.ok((one?.onDemand?.perHour ?? 0) > 0);
  const line = knownText(
    { machineId: machineId ?? 0, gpus: 1 },
    world.means.ledger?.standings() ?? { now: 0, all: [] },
  );
  assert.match(
    line,
    /^machine \d+: boots in \d+ s; pulls at \d+ Mbit\/s; on demand \$\d\.\d{3}\/h on \d{4}-\d\d-\d\d$/,
  );
});

test("which image a machine has pulled is known by its digest, and a pull of a part of it tells no speed", async (t) => {
  const world = await renting(t, { timings: { pull: 100 } });
  const digest = `sha256:${"0".repeat(64)}`;
  const pinned = { image: `japhba/cot-oracle@${digest}` };
  const all = { ...UNKNOWN_PULL, bytes: 10e9 };
  const first = (await rentAnew(world, { ...pinned, pull: all })) ?? 0;
  assert.deepEqual(
    known(world).map(({ machineId, pulled }) => [machineId, pulled.map((each) => each.digest)]),
    [[first, [digest]]],
  );
  const speed = known(world)[0]?.pullMbps;
  assert.ok(speed);
  const pull = { ...all, bytes: 20e9, onMachines: new Map([[first, 1e9]]) };
  assert.equal(await rentAnew(world, { ...pinned, image: "japhba/cot-oracle:2026-01", pull }), first);
  assert.equal(known(world)[0]?.pullMbps, speed, "1 of 10 GB was pulled, or none");
  assert.equal(known(world)[0]?.pulled.length, 1, "a tag has no digest");
});

const faults: [what: string, faults: Fault[], words: RegExp][] = [
  ["a host that cannot start it", [{ on: "boot", do: "ociFail" }], /^its host cannot start it: /],
  ["a pull that never ends", [{ on: "boot", do: "stuckLoading" }], /^not ready within 30 minutes, it stood at 2\/6/],
  ["a host that never begins", [{ on: "boot", do: "stuckNull" }], /^its host has not begun within 10 minutes$/],
  ["a row of another price", [{ on: "boot", do: "misreport", fields: { dph_total: 50 } }], /^it costs \$50\.000\/h/],
];

for (const [what, list, words] of faults)
  test(`counts against a machine: ${what}`, async (t) => {
    const world = await renting(t, { faults: list });
    await rentAnew(world);
    const [first] = tried(world);
    const failed = known(world).filter((standing) => standing.faults.length > 0);
    assert.deepEqual([failed.length, failed[0]?.machineId], [1, first]);
    assert.match(failed[0]?.faults[0]?.words ?? "", words);
  });

const innocent: [what: string, faults: Fault[], changed?: Partial<typeof request>][] = [
  ["an image that does not exist", [{ on: "boot", do: "imageNotFound" }]],
  ["a registry that wants fewer pulls", [{ on: "boot", do: "pullLimit", times: 0 }]],
  ["an account that is refused", [{ on: "PUT /asks/{id}/", do: "authError401" }]],
  ["a rental that never gets its answer", [{ on: "PUT /asks/{id}/", do: "serverErrorBefore", times: 0 }]],
  [
    "a time that is too short for any",
    [{ on: "boot", do: "stuckLoading", times: 0 }],
    { minutes: { machine: 3, total: 5 } },
  ],
];

for (const [what, list, changed] of innocent)
  test(`counts against no machine: ${what}`, async (t) => {
    const world = await renting(t, { faults: list, mayLive: ({ living }) => living() });
    await rentAnew(world, changed).catch(() => undefined);
    assert.deepEqual(
      known(world).filter((standing) => standing.faults.length > 0),
      [],
    );
  });

test("a machine that nobody could see come up has not failed", async (t) => {
  const world = await renting(t, { mayLive: ({ living }) => living() });
  const say = async (text: string) => {
    if (!text.startsWith("rented offer")) return;
    for (const on of ["GET /api/v1/instances/", "GET /instances/{id}/"])
      world.simulator.world.faults.add({ on, do: "serverErrorBefore", times: 0 });
  };
  await assert.rejects(rent(world.meansWith({ say }), request), /vastai destroy instance/);
  assert.deepEqual(known(world), []);
});

test("nobody who calls it off blames a machine", async (t) => {
  const world = await renting(t, { faults: [{ on: "boot", do: "stuckLoading", times: 0 }] });
  const progress = (text: string) => {
    if (text.startsWith("2/6")) world.killEngine();
  };
  await assert.rejects(rent(world.meansWith({ progress }), request), /nobody waits/);
  assert.deepEqual(known(world), []);
});

test("one that lets nobody in has failed", async (t) => {
  const closed = await renting(t, { logins: closedDoors(() => closed.means.clock) });
  await assert.rejects(rentAnew(closed), /no machine of 3 came up/);
  assert.deepEqual(
    known(closed).map((standing) => standing.faults.length),
    [1, 1, 1],
  );
});

test("one that is outbid on its way up has not, and that is counted", async (t) => {
  const world: World = await renting(t, {
    timings: { pull: 60 },
    faults: [{ on: "run", do: "outbid" }],
    logins: slowDoors(() => world),
  });
  await rentAnew(world);
  const [first] = tried(world);
  const standing = known(world).find(({ machineId }) => machineId === first);
  assert.deepEqual([standing?.outbids, standing?.faults], [1, []]);
});

test("the ledger names neither image nor label, whatever a host says", async (t) => {
  const words = "Error: cannot start vt-abcdefgh-vast-training-test-run-12345678 of japhba/cot-oracle";
  const world = await renting(t, { faults: [{ on: "boot", do: "hostSays", words }] });
  await rentAnew(world).catch(() => undefined);
  const told = JSON.stringify(known(world));
  assert.match(told, /Error: cannot start/);
  assert.doesNotMatch(told, /japhba|cot-oracle|abcdefgh/);
});

test("a ledger that cannot be used stops no rental", async (t) => {
  const world = await renting(t);
  const nowhere = new Ledger({ own: "/dev/null/a", lab: "/dev/null/b" }, "x", { now: Date.now, say: world.means.say });
  const { instance } = await rent(world.meansWith({ ledger: nowhere }), request);
  await release(world.means, instance.id);
  assert.equal(world.said.filter((text) => text.startsWith("what machines were like")).length, 4);
});
