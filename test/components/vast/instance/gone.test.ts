import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { suite, type TestContext, test } from "node:test";
import type { Fault } from "../../../../simulator/index.ts";
import { isAll } from "../../../support/all.ts";
import { openProvider } from "../../../support/provider-process.ts";
import { criteria, label, request } from "../../../support/request.ts";
import { asker, findOffer, ORDER } from "../../../support/simulator.ts";

const LIST = "GET /api/v1/instances/";
const ONE = "GET /instances/{id}/";
const DELETE = "DELETE /instances/{id}/";
const URN = "urn:pulumi:dev::tiny::pulumi-nodejs:dynamic:Instance::instance";

const asked = { ...criteria, apiUrl: "simulator", apiKeyFile: "", label, image: "a/b", publicKeys: request.publicKeys };
const inputs = { ...asked, sshKeyFile: "", readyTimeoutMinutes: { machine: 30, total: 60 }, quote: null };

/** Pulumi's provider process, one machine, and a state of a machine that Vast does not know. */
async function world(t: TestContext, ...faults: Fault[]) {
  const { simulator, engine, provider } = await openProvider(t, "instance", { pace: false, timings: { visible: 0 } });
  simulator.world.faults.add(...faults);
  const ask = asker(simulator);
  const offer = await findOffer({ ask });
  const { body } = await ask("PUT", `/api/v0/asks/${offer.id}/`, { ...ORDER, label: "other", price: offer.min_bid });
  const accountId = String(simulator.world.account.id);
  const known = {
    ...inputs,
    accountId,
    phase: "ready",
    hostKey: "k",
    machineId: "9",
    pricePerHour: 2,
    asked,
    __urn: URN,
  };
  const state = { ...known, instanceId: "7" };
  return { simulator, provider, engine, state, living: String(body.new_contract) };
}

type Doubt = [on: string, fault: string, sentence: RegExp];

/** What Vast answers to a refresh that looks for a machine; each must fail it. */
const doubts: Doubt[][] = [
  [
    [LIST, "authError404", /key of .* is refused/],
    [LIST, "authError401", /key of .* is refused/],
    [LIST, "partialPage", /list kept changing/],
    [LIST, "invalidToken", /list kept changing/],
    [LIST, "success200False", /invalid_args|could not be carried out/],
    [ONE, "authError404", /key of .* is refused/],
    [ONE, "authError401", /key of .* is refused/],
  ],
  [[LIST, "serverErrorBefore", /502/]],
];

/** These are sent again and again. */
const slowDoubts: Doubt[] = [
  [LIST, "truncatedJson", /GET \/api\/v1\/instances\//],
  [LIST, "empty200", /GET \/api\/v1\/instances\//],
  [LIST, "resetBefore", /GET \/api\/v1\/instances\//],
  [ONE, "serverErrorBefore", /502/],
  [ONE, "truncatedJson", /GET \/api\/v0\/instances\/7\//],
];
if (isAll) doubts.push(...slowDoubts.map((doubt) => [doubt]));

// Calls that fail are sent again after a while, so they wait together.
suite("a machine is gone only when Vast says so", { concurrency: true }, () => {
  for (const group of doubts) {
    test(`not after ${group.map(([, fault]) => fault).join(", ")} of ${group[0]?.[0]}`, async (t) => {
      const { simulator, provider, engine, state } = await world(t);
      for (const [on, fault, sentence] of group) {
        simulator.world.faults.add({ on, do: fault, times: 0 });
        await assert.rejects(provider.read("7", state), sentence, `${fault} of ${on}`);
        simulator.world.faults.clear();
      }
      simulator.world.faults.add({ on: LIST, do: "authError404", times: 0 });
      const { changes, replaces } = await provider.diff("7", state, inputs);
      assert.deepEqual([changes, replaces], [1, []], "a plain run goes on without Vast");
      assert.ok(!engine.logged.some(({ text }) => /instance 7/.test(text)));
    });
  }

  const HIDDEN: Fault[] = ["listLag", "nullAfterCreate"].map((name) => ({ on: "boot", do: name, seconds: 3 }));

  test("not one that Vast has never shown, before it must be visible", async (t) => {
    const { provider, state, living } = await world(t, ...HIDDEN);
    const read = await provider.read(living, { ...state, instanceId: living, machineId: "" });
    assert.equal(read.id, living);
    assert.notEqual(read.props.machineId, "");
  });

  test("such a one is released when it shows, though Vast knows nothing of it before", async (t) => {
    const { simulator, provider, state, living } = await world(t, ...HIDDEN, { on: DELETE, do: "unseen", times: 0 });
    await provider.remove(living, { ...state, instanceId: living, machineId: "", untouched: true });
    assert.equal(simulator.world.contracts.get(Number(living))?.state, "gone");
  });

  test("not one that a single view lacks: it keeps what may be on its disk", async (t) => {
    const { simulator, provider, state, living } = await world(t, { on: "boot", do: "nullAfterCreate", seconds: 600 });
    const contract = simulator.world.contracts.get(Number(living));
    assert.ok(contract);
    simulator.world.life.stop(contract);
    await assert.rejects(
      provider.remove(living, { ...state, instanceId: living, hostKey: "" }),
      /nobody can see whether checkpoints/,
    );
  });

  test("another account's key cannot see it, and that is not gone, nor released", async (t) => {
    const { provider, state, simulator } = await world(t);
    const foreign = { ...state, accountId: "1" };
    const sentence = /instance 7 was rented by account 1, and the key is account 200417's, which cannot see it/;
    await assert.rejects(provider.read("7", foreign), sentence);
    await assert.rejects(provider.remove("7", foreign), sentence);
    assert.equal((await provider.diff("7", foreign, inputs)).changes, 1, "a plain run goes on");
    simulator.world.faults.add({ on: "GET /users/current/", do: "authError401", times: 0 });
    await assert.rejects(provider.read("7", { ...state, accountId: "200417" }), /key of .* is refused/);
    simulator.world.faults.clear();
    assert.equal((await provider.read("7", { ...state, accountId: "200417" })).id, "");
  });

  test("a key that may not read the user: the one that rented it is believed, another one is not", async (t) => {
    const { simulator, provider, state, living } = await world(t);
    const { account, faults } = simulator.world;
    faults.add({ on: "GET /users/current/", do: "forbidden403", times: 0 });
    const refused = /instance 7 cannot be seen, and may still be there: .*VAST_ACCOUNT_IS_SAME=7 before the command/;
    await assert.rejects(provider.read("7", state), refused);
    await assert.rejects(provider.remove("7", state), refused);
    assert.equal((await provider.diff("7", state, inputs)).changes, 1, "a plain run goes on");
    const { props } = await provider.read(living, { ...state, instanceId: living });
    assert.match(
      String(props.keyFingerprint),
      /^12345678:[0-9a-f]{16}$/,
      "an earlier state learns the key that sees its machine",
    );
    const known = { ...state, accountId: "", keyFingerprint: props.keyFingerprint };
    assert.equal((await provider.read("7", known)).id, "");
    await provider.remove("7", known);
    account.otherKeys = [{ key: "stranger", accountId: 5 }];
    writeFileSync(simulator.apiKeyFile, "stranger");
    await assert.rejects(
      provider.read(living, { ...known, instanceId: living }),
      /use the key that rented it, or when/,
    );
  });

  test("gone: the refresh takes it out of the state, a plain run fails in one line", async (t) => {
    const { provider, state, living } = await world(t);
    assert.equal((await provider.read("7", state)).id, "");
    await assert.rejects(
      provider.diff("7", state, inputs),
      /instance 7 is gone at Vast; pulumi up --refresh rents a new one/,
    );
    assert.doesNotMatch(provider.stderr(), /\n +at /);
    assert.equal((await provider.read(living, { ...state, instanceId: living })).id, living, "another one is not");
  });
});
