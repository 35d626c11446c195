import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { markOf } from "../../../../components/lib/process.ts";
import { holderOf, type Intent } from "../../../../components/vast/journal/journal.ts";
import { nonceOf } from "../../../../components/vast/journal/label.ts";
import { isStranded } from "../../../../components/vast/journal/trouble.ts";
import { release } from "../../../../components/vast/rental/release.ts";
import { rent } from "../../../../components/vast/rental/rental.ts";
import { rentOrderOf } from "../../../../components/vast/rental/rental-request.ts";
import { noGate, releaseAll, settle } from "../../../../components/vast/rental/settle.ts";
import { criteria, label, ledger, openIntents, renting, request, type World } from "../../../support/renting.ts";

const DEAD = { host: hostname(), pid: 999_999_999, startedAt: "never" };

/** A machine under a label, rented by nobody we know. */
async function rentedElsewhere(world: World, under = label): Promise<number> {
  const { market } = await import("../../../../components/vast/market/offers.ts");
  const { quoteOf } = await import("../../../../components/vast/market/quote.ts");
  const [choice] = (await market(world.means.client, criteria)).choices;
  assert.ok(choice);
  const id = await world.means.client.rent(choice.offerId, { ...rentOrderOf(request, quoteOf(choice)), label: under });
  await world.means.clock.sleep(1000);
  return id;
}

/** What a process leaves behind that was killed around its rental. */
function leaveIntent(world: World, changes: Partial<Intent> = {}): void {
  const { urn, target } = request;
  const accountId = String(world.simulator.world.account.id);
  world.journal.open({ label, urn, ...target, offerId: 7, at: world.means.clock.now(), accountId });
  const file = join(world.home, "journal", `${label}.json`);
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
  leaveIntent(world, { accountId: "", at: 0, instanceId: 7 });
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

test("two under one label, and no step of ours has begun: the noted one stays, the other is released", async (t) => {
  const world = await renting(t);
  const first = await rentedElsewhere(world);
  const second = await rentedElsewhere(world);
  leaveIntent(world, { instanceId: second, untouched: true });
  const found = await settle(world.means, label);
  assert.deepEqual([found?.instance.id, found?.untouched, found?.kept], [second, true, []]);
  assert.deepEqual(world.living(), [second]);
  assert.match(world.said.join(), new RegExp(`instance ${first} carries the same label`));
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

test("a release that Vast refuses names what is left, what it costs and what ends it", async (t) => {
  const world = await renting(t, {
    faults: [{ on: "DELETE /instances/{id}/", do: "authError401", times: 0 }],
    mayLive: ({ living }) => living(),
  });
  const id = await rentedElsewhere(world);
  await assert.rejects(
    release(world.means, id, { label, perHour: 1.5 }),
    new RegExp(
      `instance ${id} \\(${label}\\) is still there and costs up to \\$1.500/h; .*vastai destroy instance ${id}`,
    ),
  );
});
