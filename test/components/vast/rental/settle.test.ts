import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { markOf } from "../../../../components/programs/process.ts";
import { holderOf, type Intent } from "../../../../components/vast/journal/journal.ts";
import { nonceOf } from "../../../../components/vast/journal/label.ts";
import { isKept, isStranded } from "../../../../components/vast/journal/trouble.ts";
import type { Means } from "../../../../components/vast/ready/means.ts";
import { release } from "../../../../components/vast/rental/release.ts";
import { rent } from "../../../../components/vast/rental/rental.ts";
import { rentOrderOf } from "../../../../components/vast/rental/rental-request.ts";
import { noGate, releaseAll, settle } from "../../../../components/vast/rental/settle.ts";
import { type Fault, ledger } from "../../../../simulator/index.ts";
import { openIntents, renting, type World } from "../../../support/renting.ts";
import { criteria, label, request } from "../../../support/request.ts";

const LIST = "GET /api/v1/instances/";
const DEAD = { host: hostname(), pid: 999_999_999, startedAt: "never" };

/** A machine under a label, rented by nobody we know. */
async function rentedElsewhere(world: World, under = label): Promise<number> {
  const { market } = await import("../../../../components/vast/market/offers.ts");
  const { quoteOf } = await import("../../../../components/vast/market/quote.ts");
  // What is held is still listed, at its bid.
  const skipMachines = new Set(world.simulator.world.contracts.living().map(({ offer }) => offer.machine.id));
  const [choice] = (await market(world.means.client, criteria, { skipMachines })).choices;
  assert.ok(choice);
  const id = await world.means.client.rent(choice.offerId, {
    ...rentOrderOf(request, quoteOf(choice), ""),
    label: under,
  });
  await world.means.clock.sleep(1000);
  return id;
}

/** What a process leaves behind that was killed around its rental. */
function leaveIntent(world: World, changes: Partial<Intent> = {}): void {
  const { urn, target } = request;
  const accountId = String(world.simulator.world.account.id);
  const { label: under = label } = changes;
  world.journal.close(under);
  world.journal.open({ label: under, urn, ...target, offerId: 7, at: world.means.clock.now(), accountId });
  const file = join(world.home, "journal", `${under}.json`);
  writeFileSync(file, JSON.stringify({ ...JSON.parse(readFileSync(file, "utf8")), ...DEAD, ...changes }));
}

test("killed before the rental: nothing is there, and one machine is rented", async (t) => {
  const world = await renting(t);
  leaveIntent(world);
  const before = world.means.clock.now();
  const { instance } = await rent(world.means, request);
  assert.ok(world.means.clock.now() - before >= 15_000, "a rental that was under way would not be seen sooner");
  assert.deepEqual(world.living(), [instance.id]);
  await releaseAll(world.means, label, noGate);
});

test("killed after the rental: its machine is taken over", async (t) => {
  const world = await renting(t);
  const id = await rentedElsewhere(world);
  leaveIntent(world);
  const { instance } = await rent(world.means, request);
  assert.equal(instance.id, id);
  assert.equal(ledger(world.simulator.world).contracts.length, 1);
  await releaseAll(world.means, label, noGate);
});

test("a machine that was rented after the last look is found all the same", async (t) => {
  const world = await renting(t);
  await world.means.list.look();
  const id = await rentedElsewhere(world);
  assert.deepEqual(world.living(), [id]);
  await releaseAll(world.means, label, noGate);
  assert.deepEqual(world.living(), []);
});

test("an old intent needs one look", async (t) => {
  const world = await renting(t);
  leaveIntent(world, { at: world.means.clock.now() - 3_600_000 });
  assert.equal(await settle(world.means, label), undefined);
  assert.equal(world.requests("GET /api/v1/instances/"), 1);
  assert.deepEqual(openIntents(world), []);
});

test("what another key was renting is not taken for nothing, until the user says so", async (t) => {
  const world = await renting(t);
  leaveIntent(world, { accountId: "", at: 0 });
  const override = new RegExp(`VAST_ACCOUNT_IS_SAME=${label} before the command`);
  for (const closes of [settle, releaseAll]) await assert.rejects(closes(world.means, label, noGate), override);
  leaveIntent(world, { accountId: "", at: 0, instanceIds: [7] });
  await assert.rejects(releaseAll(world.means, label, noGate), /VAST_ACCOUNT_IS_SAME=7 before the command/);
  assert.deepEqual(openIntents(world), [`${label}.json`]);
  leaveIntent(world, { accountId: "", at: 0, keyFingerprint: world.means.client.keyFingerprint(nonceOf(label)) });
  assert.equal(await settle(world.means, label), undefined);
  assert.deepEqual(openIntents(world), []);
});

test("what is seen under the label is this key's, whoever rented it", async (t) => {
  const world = await renting(t);
  await rentedElsewhere(world);
  leaveIntent(world, { accountId: "" });
  await releaseAll(world.means, label, noGate);
  assert.deepEqual(openIntents(world), []);
});

test("two under one label, and no step of ours has begun: one stays, the other is released", async (t) => {
  const world = await renting(t);
  const first = await rentedElsewhere(world);
  const second = await rentedElsewhere(world);
  leaveIntent(world, { untouched: true });
  const found = await settle(world.means, label);
  assert.deepEqual([found?.instance.id, found?.untouched, found?.kept], [first, true, []]);
  assert.deepEqual(world.living(), [first]);
  assert.match(world.said.join(), new RegExp(`instance ${second} carries the same label`));
  await releaseAll(world.means, label, noGate);
});

test("two under one label, and training may have run: one is taken over, the other stopped, told of and kept", async (t) => {
  const world = await renting(t);
  const ids = [await rentedElsewhere(world), await rentedElsewhere(world)];
  await world.means.clock.sleep(30_000);
  const { instance } = await rent(world.means, request);
  const other = ids.find((id) => id !== instance.id) ?? 0;
  assert.deepEqual(world.living().toSorted(), ids.toSorted(), "nothing is released");
  assert.equal(world.simulator.world.contracts.get(other)?.state, "stopped");
  const said = `instance ${other} carries the same label .* may hold checkpoints: it was stopped, and its disk goes on costing \\$`;
  assert.match(world.said.join(), new RegExp(`${said}.*pulumi destroy.*vastai destroy instance ${other}`));
  // What was killed meanwhile is no proof that nothing ran on it.
  assert.equal(world.journal.find(label)?.untouched, undefined);
  await releaseAll(world.means, label, noGate);
});

test("each instance passes the gate, and one that is kept keeps no other", async (t) => {
  const world = await renting(t);
  const ids = [await rentedElsewhere(world), await rentedElsewhere(world)];
  const gate = async ({ id }: { id: number }) => {
    if (id === ids[0]) throw new Error(`instance ${id} is kept`);
  };
  await assert.rejects(releaseAll(world.means, label, gate), new RegExp(`^Kept: instance ${ids[0]} is kept$`));
  assert.deepEqual(world.living(), [ids[0]]);
  leaveIntent(world, { untouched: true });
  await releaseAll(world.means, label, gate);
  assert.deepEqual(world.living(), [], "an intent that was open before any step is proof");
});

const OTHER = "vt-abcdefgh-vast-training-other-run-87654321";

for (const [what, renamed] of [
  ["under a label of the console's", "my jupyter"],
  ["without a label", ""],
  ["under the label of another run of ours", OTHER],
] as const) {
  test(`a machine ${what} is what its intent says: taken over, and marked again`, async (t) => {
    const world = await renting(t);
    const id = await rentedElsewhere(world);
    leaveIntent(world, { instanceIds: [id], at: 0 });
    await world.means.client.setLabel(id, renamed);
    const { instance } = await rent(world.means, request);
    assert.equal(instance.id, id);
    assert.equal(world.simulator.world.contracts.get(id)?.label, label);
    assert.equal(ledger(world.simulator.world).contracts.length, 1, "and no second one is rented");
    await releaseAll(world.means, label, noGate);
  });

  test(`a machine ${what} is released with what its intent says, and only then is that closed`, async (t) => {
    const world = await renting(t);
    const id = await rentedElsewhere(world);
    leaveIntent(world, { instanceIds: [id], at: 0 });
    await world.means.client.setLabel(id, renamed);
    const refused = { on: "DELETE /instances/{id}/", do: "authError401", times: 0 };
    world.simulator.world.faults.add(refused);
    await assert.rejects(releaseAll(world.means, label, noGate), new RegExp(`vastai destroy instance ${id}`));
    assert.deepEqual(openIntents(world), [`${label}.json`]);
    world.simulator.world.faults.clear();
    await releaseAll(world.means, label, noGate);
    assert.deepEqual([world.living(), openIntents(world)], [[], []]);
  });
}

for (const [view, fault] of [
  ["the single view", "listLag"],
  ["the list", "nullAfterCreate"],
] as const) {
  test(`a machine that an intent names and ${view} alone shows is released`, async (t) => {
    const world = await renting(t, { faults: [{ on: "boot", do: fault, seconds: 300 }] });
    const id = await rentedElsewhere(world);
    leaveIntent(world, { instanceIds: [id], at: 0 });
    await world.means.client.setLabel(id, "my jupyter");
    await releaseAll(world.means, label, noGate);
    assert.deepEqual([world.living(), openIntents(world)], [[], []]);
  });
}

test("what another run of ours has rented is not touched, though it carries this run's label", async (t) => {
  const world = await renting(t, { mayLive: ({ living }) => living() });
  const id = await rentedElsewhere(world, OTHER);
  leaveIntent(world, { label: OTHER, instanceIds: [id], at: 0 });
  await world.means.client.setLabel(id, label);
  assert.equal(await settle(world.means, label), undefined);
  await releaseAll(world.means, label, noGate);
  assert.deepEqual(world.living(), [id]);
  const { instance } = await rent(world.means, request);
  assert.notEqual(instance.id, id);
  assert.deepEqual(world.living(), [id, instance.id], "nor as a second one of a run that comes up");
});

test("an id in two intents is the machine of whoever settles first, and gone for both", async (t) => {
  const world = await renting(t);
  const id = await rentedElsewhere(world);
  leaveIntent(world, { instanceIds: [id], at: 0 });
  leaveIntent(world, { label: OTHER, instanceIds: [id], at: 0 });
  await releaseAll(world.means, OTHER, noGate);
  assert.deepEqual(world.living(), []);
  assert.equal(await settle(world.means, label), undefined);
  assert.deepEqual(openIntents(world), []);
});

test("the id of another account's machine closes nothing", async (t) => {
  const world = await renting(t);
  leaveIntent(world, { instanceIds: [99], accountId: "999", at: 0 });
  await assert.rejects(releaseAll(world.means, label, noGate), /was rented by account 999/);
  await assert.rejects(rent(world.means, request), /was rented by account 999/);
  assert.deepEqual(world.journal.find(label)?.instanceIds, [99]);
});

test("what carries the label is not fresh when the intent became another machine", async (t) => {
  const world = await renting(t, { mayLive: ({ living }) => living() });
  leaveIntent(world, { instanceIds: [99], at: 0 });
  const id = await rentedElsewhere(world);
  const found = await settle(world.means, label);
  assert.deepEqual([found?.instance.id, found?.untouched], [id, false], "so it is never released for being slow");
});

test("one that Vast is taking down is seen out before another is rented", async (t) => {
  const world = await renting(t, { faults: [{ on: "DELETE /instances/{id}/", do: "destroySlow", seconds: 60 }] });
  const id = await rentedElsewhere(world);
  leaveIntent(world, { instanceIds: [id], at: 0 });
  await world.means.client.destroy(id);
  assert.equal(await settle(world.means, label), undefined);
  assert.deepEqual([world.living(), openIntents(world)], [[], []]);
});

test("labels that only begin alike are never touched", async (t) => {
  const strangers: number[] = [];
  const world = await renting(t, { mayLive: () => strangers });
  strangers.push(await rentedElsewhere(world, `${label}0`), await rentedElsewhere(world, label.slice(0, -1)));
  assert.equal(await settle(world.means, label), undefined);
  await releaseAll(world.means, label, noGate);
  assert.deepEqual(world.living(), strangers);
});

test("an instance of ours without an intent is taken over, and never released when it is not ready", async (t) => {
  const world = await renting(t, { mayLive: ({ living }) => living() });
  const id = await rentedElsewhere(world);
  await world.means.clock.sleep(10_000);
  const [contract] = world.simulator.world.contracts.living();
  assert.ok(contract);
  world.simulator.world.life.drop(contract, "host");
  const error: unknown = await rent(world.means, request).catch((reason: unknown) => reason);
  assert.ok(isStranded(error));
  assert.deepEqual([error.instance.id, error.givenUp], [id, false]);
  assert.deepEqual(world.living(), [id]);
});

test("a living process is waited for; what it leaves is settled", async (t) => {
  const world = await renting(t);
  const child = spawn("sleep", ["1000"]);
  t.after(() => child.kill());
  leaveIntent(world, { ...markOf(child.pid), at: 0 });
  const means = world.meansWith({
    progress: (text) => {
      world.shown.push(text);
      if (text.includes("is still renting for this run")) child.kill();
    },
    clock: {
      ...world.means.clock,
      sleep: async (milliseconds) => {
        if (child.killed && child.exitCode === null && child.signalCode === null) await once(child, "exit");
        await world.means.clock.sleep(milliseconds);
      },
    },
  });
  assert.equal(await settle(means, label), undefined);
  assert.match(world.shown.join(), new RegExp(`process ${child.pid} is still renting`));
});

test("what a living process rents before it ends is found", async (t) => {
  const world = await renting(t);
  const child = spawn("sleep", ["1000"]);
  t.after(() => child.kill());
  leaveIntent(world, markOf(child.pid));
  let rented: number | undefined;
  const sleep = async () => {
    rented ??= await rentedElsewhere(world);
    world.journal.close(label);
  };
  await releaseAll(world.meansWith({ clock: { ...world.means.clock, sleep } }), label, noGate);
  assert.ok(rented !== undefined);
  assert.deepEqual(world.living(), []);
});

test("a process on another machine, or one that only has the pid of another", async (t) => {
  const world = await renting(t);
  leaveIntent(world, { host: "other-node" });
  const error = await settle(world.means, label).then(
    () => assert.fail(),
    (reason: Error) => reason,
  );
  assert.match(error.message, /process 999999999 on other-node may still be renting .*\(ps -p 999999999\)/);
  assert.ok(error.message.includes(`or remove ${join(world.home, "journal", `${label}.json`)}`), error.message);
  leaveIntent(world, { ...markOf(), pid: process.ppid, startedAt: "x" });
  assert.equal(await settle(world.means, label), undefined, "the same pid at another time is another process");
});

test("our own intent may be touched", () => {
  const own = { ...markOf(), label, urn: "", apiUrl: "", apiKeyFile: "", offerId: 1, at: 0 };
  assert.equal(holderOf(own), "us");
  assert.equal(holderOf({ ...own, ...DEAD }), "nobody");
  assert.equal(holderOf({ ...own, host: "other-node" }), "elsewhere");
});

test("releasing all: several at once, and again when nothing is left", async (t) => {
  const world = await renting(t);
  await rentedElsewhere(world);
  await rentedElsewhere(world);
  await releaseAll(world.means, label, noGate);
  assert.deepEqual(world.living(), []);
  await releaseAll(world.means, label, noGate);
});

test("releasing all fails loudly when the list cannot be seen", async (t) => {
  const world = await renting(t, { faults: [{ on: "GET /api/v1/instances/", do: "serverErrorBefore", times: 0 }] });
  leaveIntent(world);
  await assert.rejects(releaseAll(world.means, label, noGate), /502/);
  assert.deepEqual(openIntents(world), [`${label}.json`], "and keeps the intent");
});

const destroys: [fault: string, more?: object][] = [
  ["tooFrequent", { threshold: 3 }],
  ["serverErrorBefore"],
  ["serverErrorAfter"],
  ["resetBefore"],
  ["resetAfter"],
  ["empty200"],
  ["truncatedJson"],
  ["destroyIgnored"],
  ["destroySlow", { seconds: 40 }],
];

for (const [fault, more] of destroys) {
  test(`a destroy that meets ${fault} is followed until the machine is gone`, async (t) => {
    const world = await renting(t, { faults: [{ on: "DELETE /instances/{id}/", do: fault, ...more }] });
    const id = await rentedElsewhere(world);
    await release(world.means, id);
    assert.deepEqual(world.living(), []);
    await release(world.means, id);
  });
}

test("a machine that is just rented and not seen yet is released all the same", async (t) => {
  const faults = [
    { on: "boot", do: "listLag", seconds: 8 },
    { on: "boot", do: "nullAfterCreate", seconds: 8 },
  ];
  const world = await renting(t, { faults });
  const id = await rentedElsewhere(world);
  await release(world.means, id, { rentedAt: world.means.clock.now() });
  assert.deepEqual(world.living(), []);
});

test("a DELETE that comes too early finds nothing, and is sent again until the machine can be seen", async (t) => {
  const faults = [
    { on: "boot", do: "nullAfterCreate", seconds: 8 },
    { on: "boot", do: "listLag", seconds: 8 },
    { on: "DELETE /instances/{id}/", do: "unseen", times: 0 },
  ];
  const world = await renting(t, { faults });
  const id = await rentedElsewhere(world);
  await release(world.means, id, { rentedAt: world.means.clock.now() });
  assert.deepEqual(world.living(), []);
  assert.ok(world.requests("DELETE /instances/{id}/") > 1);
});

test("a release that Vast refuses names what is left, what it costs and what ends it", async (t) => {
  const world = await renting(t, {
    faults: [{ on: "DELETE /instances/{id}/", do: "authError401", times: 0 }],
    mayLive: ({ living }) => living(),
  });
  const id = await rentedElsewhere(world);
  const left = new RegExp(
    `instance ${id} \\(${label}\\) is still there and costs up to \\$1.500/h; .*vastai destroy instance ${id}`,
  );
  await assert.rejects(
    release(world.means, id, { label, perHour: 1.5 }),
    (error) => isKept(error) && left.test(error.message),
  );
});

/** As on another login node, or after the state directory was lost: nothing is known of the label. */
function loseJournal(world: World): void {
  rmSync(join(world.home, "journal", `${label}.json`), { force: true });
}

const LAG: Fault = { on: "boot", do: "listLag", seconds: 14 };

test("killed on another node: a destroy that knows of no rental waits until Vast would show one, and says so", async (t) => {
  const world = await renting(t, { faults: [LAG] });
  await rentedElsewhere(world);
  loseJournal(world);
  await releaseAll(world.means, label, noGate);
  assert.deepEqual(world.living(), []);
  assert.match(
    world.shown.join(),
    /looking for what was rented as vt-\S+, \d+ s until Vast would have shown all of it/,
  );
});

test("one that shows at once does not end the wait for another that does not", async (t) => {
  const world = await renting(t, { faults: [{ ...LAG, after: 1 }] });
  await rentedElsewhere(world);
  await rentedElsewhere(world);
  loseJournal(world);
  await releaseAll(world.means, label, noGate);
  assert.deepEqual(world.living(), []);
});

test("killed on another node: an up takes over what shows late", async (t) => {
  const world = await renting(t, { faults: [LAG] });
  const id = await rentedElsewhere(world);
  loseJournal(world);
  const { instance } = await rent(world.means, request);
  assert.equal(instance.id, id);
  await releaseAll(world.means, label, noGate);
});

test("where all that was rented is known nothing is waited for, and one look is enough", async (t) => {
  const world = await renting(t);
  const { instance } = await rent(world.means, request);
  world.journal.closeInstance(instance.id);
  await release(world.means, instance.id);
  const looked = world.requests(LIST);
  await releaseAll(world.means, label, noGate);
  assert.equal(world.requests(LIST) - looked, 1);
});

test("what was waited for once is known from then on", async (t) => {
  const world = await renting(t);
  loseJournal(world);
  assert.equal(await settle(world.means, label), undefined);
  await world.means.clock.sleep(2000);
  const looked = world.requests(LIST);
  await releaseAll(world.means, label, noGate);
  assert.equal(world.requests(LIST) - looked, 1);
});

/** The same world by a wall clock that was set by so much after the rental; uptime goes on as it does. */
function clockSet(world: World, milliseconds: number): Means {
  const { clock } = world.means;
  const boot = () => ({ id: "this", uptime: clock.now() });
  return world.meansWith({ clock: { ...clock, now: () => clock.now() + milliseconds, boot } });
}

for (const [what, milliseconds] of [
  ["45 s ahead", 45_000],
  ["2 h back", -7_200_000],
] as const) {
  test(`a clock that was set ${what} after a kill hides nothing, and holds nobody for longer`, async (t) => {
    const world = await renting(t, { faults: [LAG] });
    const at = world.means.clock.now();
    await rentedElsewhere(world);
    leaveIntent(world, { at, boot: { id: "this", uptime: at } });
    await releaseAll(clockSet(world, milliseconds), label, noGate);
    assert.deepEqual([world.living(), openIntents(world)], [[], []]);
    assert.ok(world.means.clock.now() - at < 120_000);
  });
}

test("by the wall clock of another start no wait is longer than the window", async (t) => {
  const world = await renting(t);
  const now = world.means.clock.now();
  leaveIntent(world, { at: now + 7_200_000, boot: { id: "earlier", uptime: 0 } });
  await releaseAll(world.means, label, noGate);
  assert.ok(world.means.clock.now() - now < 120_000);
});

for (const [what, text] of [
  ["is cut short", '{"label": "vt-'],
  ["is empty", ""],
  ["is of something else", "{}"],
  ["has no process", `{"label": "${label}", "at": 1}`],
] as const) {
  test(`an intent whose file ${what} stops whoever needs it, and is named with what to do`, async (t) => {
    const world = await renting(t, { mayLive: ({ living }) => living() });
    await rentedElsewhere(world, OTHER);
    const file = join(world.home, "journal", `${label}.json`);
    writeFileSync(file, text);
    const named = (error: Error) =>
      [`${file} cannot be read`, `the label ${label} with vastai show instances`, "then remove the file"].every(
        (part) => error.message.split(part).length === 2,
      );
    await assert.rejects(releaseAll(world.means, label, noGate), named);
    await assert.rejects(rent(world.means, request), named);
    assert.equal(world.living().length, 1, "nothing was rented");
    await releaseAll(world.means, OTHER, noGate);
    assert.deepEqual(world.living(), [], "it blinds nobody else");
  });
}
