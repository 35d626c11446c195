import assert from "node:assert/strict";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { openStateDir } from "../../../../components/lib/state-dir.ts";
import type { Address } from "../../../../components/pulumi/addresses.ts";
import { findImage } from "../../../../components/registry/access.ts";
import { registryNotes } from "../../../../components/registry/notes.ts";
import { keyFingerprint, openApi } from "../../../../components/vast/client/api.ts";
import { VastClient } from "../../../../components/vast/client/client.ts";
import { Journal } from "../../../../components/vast/journal/journal.ts";
import { Ledger } from "../../../../components/vast/ledger/ledger.ts";
import { digestIn } from "../../../../components/vast/ledger/pull.ts";
import { market } from "../../../../components/vast/market/offers.ts";
import type { Quote } from "../../../../components/vast/market/quote.ts";
import { type Fault, ledger, type Simulator } from "../../../../simulator/index.ts";
import { notAll } from "../../../support/all.ts";
import { initFailure, openProvider } from "../../../support/provider-process.ts";
import { criteria, label, request } from "../../../support/request.ts";

/** As the engine is told. */
const [NONE, SOME] = [1, 2];
const UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";
const URN = "urn:pulumi:dev::tiny::pulumi-nodejs:dynamic:Instance::instance";

const { image, publicKeys } = request;
const inputs = {
  ...criteria,
  apiUrl: "simulator",
  apiKeyFile: "",
  label,
  image,
  publicKeys: [...publicKeys],
  sshKeyFile: "",
  readyTimeoutMinutes: { machine: 30, total: 60 },
};

async function world(t: TestContext, address: Address, ...faults: Fault[]) {
  const open = await openProvider(t, address, { faults });
  const { home, simulator } = open;
  t.after(() => assert.deepEqual(simulator.world.contracts.living(), []));
  const journal = new Journal(openStateDir({ VAST_TRAINING_HOME: home }).journalDir);
  // As the run's identity does, which comes before any rental.
  journal.begin(label);
  const until = async (done: () => boolean) => {
    while (!done()) await new Promise((resolve) => setTimeout(resolve, 20));
  };
  return { ...open, journal, until };
}

function rentals(simulator: Simulator): number {
  return simulator.world.requests.filter(({ endpoint }) => endpoint === "PUT /asks/{id}/").length;
}

/** What a process that has ended left open. */
function leftIntent(under: string) {
  const ended = { host: hostname(), pid: 2 ** 22 + 1, startedAt: "0" };
  const wish = { label: under, urn: URN, apiUrl: "simulator", apiKeyFile: "", offerId: 1, at: 0 };
  return { ...wish, ...ended, instanceIds: [], record: { rented: [] } };
}

/** What an identity is made of, by the owner of a state directory. */
function whoIn(home: string, run: string) {
  const { owner } = openStateDir({ VAST_TRAINING_HOME: home });
  return { apiUrl: "simulator", apiKeyFile: "", owner, project: "tiny", stack: "dev", run };
}

/** A machine that no provider of ours has rented; its id. */
async function rentElsewhere(simulator: Simulator, under: string, price: number | null = null): Promise<string> {
  const offer = [...simulator.world.market.offers()].find(({ ask }) => ask.gpus === 1);
  const order = { client_id: "me", image: "a/b", label: under, disk: 20, runtype: "ssh_direc ssh_proxy", price };
  const rented = await fetch(`${simulator.url}/api/v0/asks/${offer?.ask.id}/`, {
    method: "PUT",
    headers: { Authorization: `Bearer ${simulator.apiKey}`, "content-type": "application/json" },
    body: JSON.stringify(order),
  });
  return String(((await rented.json()) as { new_contract: number }).new_contract);
}

test("preview and run promise the same, and the row says it", async (t) => {
  const { simulator, engine, provider, another } = await world(t, "instance");
  const preview = await provider.check({}, { ...inputs, label: UNKNOWN, gpu: "h100 sxm", __urn: URN });
  assert.deepEqual(preview.failures, []);
  assert.equal(preview.inputs.label, UNKNOWN);
  assert.equal(preview.inputs.__urn, URN, "whoever creates it is told its row, in whatever process");
  assert.ok(String(preview.inputs.__provider).includes("instance"));
  const asked = simulator.world.requests.length;
  simulator.world.market.move({ factor: 1.5 });
  const run = await (await another()).check({}, { ...inputs, __urn: URN });
  assert.deepEqual(run.inputs.quote, preview.inputs.quote);
  assert.equal(simulator.world.requests.length, asked, "the second process asks nobody");
  assert.deepEqual([...new Set(engine.logged.map(({ urn, ephemeral }) => `${urn} ${ephemeral}`))], [`${URN} false`]);
  const later = await provider.check(preview.inputs, { ...inputs, maxPricePerHour: 9, __urn: URN });
  assert.deepEqual(later.inputs.quote, preview.inputs.quote);
});

test("what a base and machines have of the image is quoted, and counts when it is rented", async (t) => {
  const { home, simulator, provider } = await world(t, "instance", { on: "boot", do: "ociFail" });
  const env = { VAST_TRAINING_HOME: home };
  const find = async (name: string) => {
    const access = { login: undefined, folder: registryNotes(env), options: { hub: simulator.url } };
    return (await findImage(name, access)).pinned;
  };
  const image = await find("japhba/cot-oracle-on-vastai");
  const cachedBase = await find("vastai/pytorch:2.6");
  const wanted = { ...criteria, minDurationHours: 1 };
  const asked = { ...inputs, ...wanted, image, imageBytes: 500e9, __urn: URN };
  const quoted = async (base: string) => {
    const { inputs: checked } = await provider.check({}, { ...asked, cachedBase: base });
    const { machineId, cachedPullOf } = checked.quote as Pick<Quote, "machineId" | "cachedPullOf">;
    return [machineId, cachedPullOf];
  };
  const api = openApi({ apiUrl: "simulator", apiKeyFile: "" }, env);
  const [first, second] = (await market(new VastClient(api), wanted)).choices;
  assert.ok(first && second);
  assert.deepEqual(await quoted(cachedBase), [first.machineId, "base"]);
  const places = { own: openStateDir(env).ledgerDir, lab: "" };
  const notes = new Ledger(places, simulator.url, { now: Date.now, say: async (text) => assert.fail(text) });
  notes.note(second, { what: "served", hours: 1, pulled: digestIn(image) ?? assert.fail() });
  assert.deepEqual(await quoted(""), [second.machineId, "machine"]);
  await assert.rejects(provider.create({ ...asked, maxOffers: 1, quote: null }), /no machine of 1 came up/);
  assert.deepEqual(
    ledger(simulator.world).contracts.map(({ machineId }) => machineId),
    [second.machineId],
  );
});

test("without searches whatever needs none goes on, and the rest says from when on they are to be had", async (t) => {
  const { simulator, journal, engine, provider, another } = await world(t, "instance");
  journal.begin(`${label}x`);
  const { inputs: checked } = await provider.check({}, { ...inputs, __urn: URN });
  const id = await rentElsewhere(simulator, label);
  const state = { ...checked, instanceId: id, phase: "ready", untouched: true, pricePerHour: 3, asked: checked };
  simulator.world.faults.add({ on: "POST /bundles/", do: "searchQuota", times: 0 });
  const searches = () => simulator.world.requests.filter(({ endpoint }) => endpoint === "POST /bundles/").length;
  const before = searches();
  const other = { ...inputs, label: `${label}x`, gpus: 2, __urn: `${URN}2` };
  const preview = await provider.check({}, other);
  assert.deepEqual([preview.failures, preview.inputs.quote], [[], null]);
  assert.match(
    engine.logged.map(({ text }) => text).join("\n"),
    /nothing is quoted: .*from \d{4}-\d\d-\d\d 00:00 UTC on/,
  );
  assert.equal(searches(), before + 2);
  const later = await another();
  const run = await later.check({}, other);
  await assert.rejects(later.create(run.inputs), /not sent.*from \d{4}-\d\d-\d\d 00:00 UTC on; destroy, sync/);
  const same = await later.check(checked, { ...inputs, __urn: URN });
  assert.deepEqual(same.inputs.quote, checked.quote);
  await later.diff(id, state, same.inputs);
  assert.equal((await later.read(id, state)).id, id);
  await later.remove(id, state);
  assert.equal(searches(), before + 2, "another process has asked nobody");
});

test("what cannot be is a failure of the input that is to blame", async (t) => {
  const { provider } = await world(t, "instance");
  const { failures } = await provider.check({}, { ...inputs, maxPricePerHour: 0.05, __urn: URN });
  assert.equal(failures[0]?.property, "maxPricePerHour");
  assert.match(failures[0]?.reason ?? "", /none of \d+ offers/);
  assert.equal(provider.stderr(), "");
});

test("a machine that cannot be released gets into the state, the next run replaces it, and a delete ends it", async (t) => {
  const { journal, simulator, provider } = await world(
    t,
    "instance",
    { on: "boot", do: "ociFail" },
    { on: "DELETE /instances/{id}/", do: "authError401", times: 0 },
  );
  const { inputs: checked } = await provider.check({}, { ...inputs, __urn: URN });
  const failure = initFailure(await provider.create(checked).catch((error: unknown) => error));
  const [contract] = ledger(simulator.world).contracts;
  assert.ok(failure && contract);
  assert.equal(failure.id, String(contract.id));
  assert.ok(String(failure.properties.__provider).includes("instance"), "or it could never be deleted");
  assert.deepEqual([failure.properties.phase, failure.properties.hostKey], ["failed", ""]);
  assert.equal(failure.properties.__urn, URN);
  assert.equal(failure.properties.accountId, String(simulator.world.account.id));
  assert.match(String(failure.properties.keyFingerprint), /^12345678:[0-9a-f]{16}$/);
  assert.match(failure.reasons.join(), new RegExp(`vastai destroy instance ${contract.id}`));
  assert.equal(journal.listOpen().length, 1, "until it is known to be in the state");

  const plan = await provider.diff(failure.id, failure.properties, checked);
  assert.deepEqual([plan.replaces, plan.before], [["phase"], true]);
  assert.deepEqual(journal.listOpen(), []);

  await assert.rejects(provider.remove(failure.id, failure.properties), /vastai destroy instance \d+/);
  assert.equal(provider.stderr(), "", "the engine says it, and no stack for what is no mistake of ours");

  simulator.world.faults.clear();
  await provider.remove(failure.id, failure.properties);
  assert.deepEqual(await provider.read(failure.id, failure.properties), {
    id: "",
    props: { __provider: failure.properties.__provider },
  });
});

test("a refresh notes that a machine was outbid, once, and its release how long it served, for the lab too", async (t) => {
  const { home, simulator, provider, until } = await world(t, "instance");
  const labDir = join(home, "lab");
  mkdirSync(labDir);
  const id = await rentElsewhere(simulator, label, 20);
  await until(() => simulator.world.contracts.living().every(({ state }) => state === "running"));
  const pulled = `sha256:${"0".repeat(64)}`;
  const asked = { ...inputs, labDir, image: `${image}@${pulled}` };
  const state = { ...asked, instanceId: id, phase: "ready", untouched: true, pricePerHour: 3, asked };
  const twoHoursAgo = Date.now() - 7_200_000;
  const whatIs = { machineId: "", startedAt: new Date(twoHoursAgo).toISOString() };
  const [contract] = simulator.world.contracts.living();
  assert.ok(contract);
  contract.offer.ask.tenant = { kind: "bid", perHour: 21 };
  simulator.world.life.settle(contract.offer.machine);
  const first = await provider.read(id, { ...state, ...whatIs });
  assert.equal(first.props.phase, "stopped");
  const second = await provider.read(id, first.props);
  await provider.remove(id, { ...second.props, phase: "ready" });
  const most = (Date.now() - twoHoursAgo) / 3_600_000;
  const [name, ...others] = readdirSync(labDir);
  assert.deepEqual(others, []);
  const lines = readFileSync(join(labDir, name ?? ""), "utf8")
    .split("\n")
    .filter((line) => line !== "");
  const told = lines.map((line) => JSON.parse(line));
  const slice = { machineId: contract.offer.machine.id, gpus: 1 };
  const hours = told.at(-1)?.hours;
  // It is noted to two places.
  assert.ok(hours >= 2 && hours <= most + 0.005, `${hours} of ${most}`);
  assert.deepEqual(
    told.map(({ what, machineId, gpus, hours, pulled }) => ({ what, machineId, gpus, hours, pulled })),
    [
      { what: "outbid", ...slice, hours: undefined, pulled: undefined },
      { what: "served", ...slice, hours, pulled },
    ],
  );
});

test("a list that fails is no proof that a machine is gone", async (t) => {
  const { provider } = await world(t, "instance", { on: "GET /api/v1/instances/", do: "authError404", times: 0 });
  const state = { ...inputs, instanceId: "7", phase: "ready", asked: inputs };
  await assert.rejects(provider.read("7", state), /key of .* is refused/);
});

test("an engine that dies while a machine comes up: it is released, and no other is rented", async (t) => {
  const { simulator, engine, provider, until, journal } = await world(t, "instance", {
    on: "boot",
    do: "stuckLoading",
    times: 0,
  });
  const { inputs: checked } = await provider.check({}, { ...inputs, __urn: URN });
  const made = provider.create(checked).catch((error: Error) => error);
  await until(() => engine.logged.some(({ text }) => text.startsWith("2/6 image pull")));
  engine.kill();
  assert.match(String(await made), /nobody waits/);
  assert.equal(rentals(simulator), 1);
  assert.deepEqual(simulator.world.contracts.living(), []);
  assert.deepEqual(journal.listOpen(), []);
});

test("an identity makes a label once, and its delete releases what carries it and never ran a step of ours", async (t) => {
  const { home, journal, simulator, provider, until } = await world(t, "identity");
  const who = { ...whoIn(home, "run"), singleUse: false, gate: null };
  const { inputs: checked } = await provider.check({}, { ...who, __urn: URN });
  const { id, outs } = await provider.create(checked);
  assert.match(id, new RegExp(`^vt-${who.owner}-tiny-dev-run-[0-9a-f]{10}$`));
  assert.equal(outs.label, id);
  assert.deepEqual(await provider.diff(id, outs, { ...who, stack: "renamed" }), {
    changes: NONE,
    replaces: [],
    before: false,
  });
  assert.deepEqual((await provider.diff(id, outs, { ...who, apiUrl: "" })).replaces, ["apiUrl"]);
  await rentElsewhere(simulator, id);
  await until(() => simulator.world.contracts.living().every(({ listedAt }) => listedAt <= Date.now()));
  mkdirSync(join(home, "journal"), { recursive: true });
  writeFileSync(join(home, "journal", `${id}.json`), JSON.stringify({ ...leftIntent(id), untouched: true }));
  await provider.remove(id, outs);
  assert.deepEqual(simulator.world.contracts.living(), []);
  assert.equal(journal.isKnown(id), false, "nothing is kept of a label that nobody uses");
});

test("a state directory that was not the last to rent has no proof, and the one that is to rent is in the state first", async (t) => {
  const { home, provider, journal } = await world(t, "identity");
  const who = { ...whoIn(home, "run"), singleUse: false };
  const { inputs: checked } = await provider.check({}, { ...who, __urn: URN });
  const { id, outs } = await provider.create(checked);
  assert.equal(journal.isKnown(id), true);
  const theirs = { ...outs, owner: "abcdefgh" };
  assert.equal((await provider.diff(id, outs, who)).changes, NONE);
  const plan = await provider.diff(id, theirs, who);
  assert.deepEqual([plan.changes, plan.replaces], [SOME, []]);
  const mine = await provider.update(id, theirs, who);
  assert.deepEqual([mine.owner, mine.label, journal.isKnown(id)], [who.owner, id, false]);
});

test("an identity is not gone with what another account's key cannot see", async (t) => {
  const { simulator, provider, home, journal } = await world(t, "identity");
  const who = whoIn(home, "run");
  const { inputs: checked } = await provider.check({}, { ...who, singleUse: false, __urn: URN });
  const { id, outs } = await provider.create(checked);
  const write = (renter: object) =>
    writeFileSync(join(home, "journal", `${id}.json`), JSON.stringify({ ...leftIntent(id), ...renter }));
  mkdirSync(join(home, "journal"), { recursive: true });
  write({ accountId: "999" });
  await assert.rejects(
    provider.remove(id, outs),
    /was renting as vt-.* was rented by account 999, and the key is account/,
  );
  assert.equal(journal.listOpen().length, 1, "the intent stays");
  write({});
  const override = new RegExp(`VAST_ACCOUNT_IS_SAME=${id} before the command`);
  await assert.rejects(
    provider.remove(id, outs),
    override,
    "an intent of an earlier version, whose account was not told",
  );
  write({ keyFingerprint: keyFingerprint({ key: () => simulator.apiKey }, "any") });
  await provider.remove(id, outs);
  assert.deepEqual(journal.listOpen(), []);
});

test("an identity for one use releases what a killed command has left under it", async (t) => {
  const { simulator, provider, home, journal, until } = await world(t, "identity");
  const who = whoIn(home, "builder");
  const forOne = { ...who, singleUse: true };
  const { inputs: checked } = await provider.check({}, { ...forOne, __urn: URN });
  const { id, outs } = await provider.create(checked);
  assert.equal((await provider.diff(id, outs, forOne)).changes, NONE);
  await rentElsewhere(simulator, id);
  await until(() => simulator.world.contracts.living().every(({ listedAt }) => listedAt <= Date.now()));
  writeFileSync(join(home, "journal", `${id}.json`), JSON.stringify(leftIntent(id)));
  assert.equal(
    (await provider.diff(id, outs, { ...forOne, singleUse: false })).changes,
    NONE,
    "of a run it is taken over",
  );
  assert.equal((await provider.diff(id, outs, forOne)).changes, SOME);
  await provider.update(id, outs, forOne);
  assert.deepEqual(simulator.world.contracts.living(), []);
  assert.deepEqual(journal.listOpen(), []);
});

test("an identity for one use tells what lives under it when nothing is to, and leaves it", {
  skip: notAll,
}, async (t) => {
  const { simulator, provider, engine, home, until } = await world(t, "identity");
  const who = { apiUrl: "simulator", apiKeyFile: "", owner: "abcdefgh", project: "tiny", stack: "dev", run: "builder" };
  const forOne = { ...who, singleUse: true };
  const { inputs: checked } = await provider.check({}, { ...forOne, __urn: URN });
  const { id, outs } = await provider.create(checked);
  const twin = await rentElsewhere(simulator, id);
  await until(() => simulator.world.contracts.living().every(({ listedAt }) => listedAt <= Date.now()));
  const said = () => engine.logged.filter(({ ephemeral }) => !ephemeral).map(({ text }) => text);
  const stray = new RegExp(`^instance ${twin} \\(${id}\\) is still there and costs .*vastai destroy instance ${twin}$`);
  assert.equal((await provider.diff(id, outs, forOne)).changes, NONE, "a preview releases nothing");
  assert.match(said().join("\n"), stray);
  await provider.read(id, outs);
  assert.equal(said().length, 2);
  writeFileSync(join(home, "journal", `${id}.json`), JSON.stringify(leftIntent(id)));
  await provider.read(id, outs);
  assert.equal(said().length, 2, "what an intent is open for may be at work");
  assert.equal(simulator.world.contracts.living().length, 1);
  await provider.remove(id, outs);
  simulator.world.faults.add({ on: "GET /api/v1/instances/", do: "authError404" });
  assert.equal((await provider.diff(id, outs, forOne)).changes, NONE, "that Vast cannot be asked stops nothing");
});

test("a bid follows cap and markup, and makes no call that is not needed", async (t) => {
  const { simulator, provider, until } = await world(t, "bid");
  const instanceId = await rentElsewhere(simulator, label, 20);
  await until(() => simulator.world.contracts.living().every(({ state }) => state === "running"));
  const bid = () => simulator.world.contracts.get(Number(instanceId))?.bid ?? 0;
  const asked = () => simulator.world.requests.filter(({ endpoint }) => endpoint.includes("/instances/")).length;
  const api = { apiUrl: "simulator", apiKeyFile: "" };
  const terms = { ...api, instanceId, rental: "interruptible", maxPricePerHour: 30, bidMarkup: 0.2 };

  const onDemand = { ...terms, rental: "on-demand" };
  const { outs: idle } = await provider.create(onDemand);
  assert.equal(asked(), 0);
  assert.equal((await provider.diff(instanceId, idle, { ...onDemand, maxPricePerHour: 9 })).changes, NONE);

  const { id, outs } = await provider.create(terms);
  assert.equal(id, instanceId);
  const price = simulator.world.contracts.get(Number(instanceId))?.onDemandPerHour ?? 0;
  assert.ok(bid() < price && bid() > price - 0.0003, "what was bid above the on-demand price comes down below it");
  const before = bid();
  await provider.create({ ...terms, maxPricePerHour: 31 });
  assert.equal(bid(), before, "a higher cap raises nothing");
  assert.equal((await provider.diff(id, outs, terms)).changes, NONE);
  assert.equal((await provider.diff(id, outs, { ...terms, apiKeyFile: "/other" })).changes, NONE);
  assert.equal((await provider.diff(id, outs, { ...terms, instanceId: UNKNOWN })).changes, NONE);
  assert.equal((await provider.diff(id, outs, { ...terms, maxPricePerHour: 9 })).changes, SOME);
  assert.deepEqual((await provider.diff(id, outs, { ...terms, instanceId: "8" })).replaces, ["instanceId"]);

  const cap = Math.round(before * 950) / 1000;
  const lower = await provider.update(id, outs, { ...terms, maxPricePerHour: cap });
  assert.ok(bid() < cap && bid() > cap - 0.1, "the cap less the disk");
  assert.equal(lower.maxPricePerHour, cap);
  const contract = simulator.world.contracts.get(Number(instanceId));
  if (contract !== undefined) simulator.world.life.vanish(contract);
  await assert.rejects(provider.update(id, lower, { ...terms, maxPricePerHour: 8 }), /pulumi up --refresh/);
  await provider.remove(id, lower);
});
