import assert from "node:assert/strict";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import * as pulumi from "@pulumi/pulumi";
import { main } from "../../../cli/main.ts";
import { openStateDir } from "../../../components/lib/state-dir.ts";
import { inspectImage } from "../../../components/registry/registry.ts";
import { openApi } from "../../../components/vast/client/api.ts";
import { VastClient } from "../../../components/vast/client/client.ts";
import { Ledger } from "../../../components/vast/ledger/ledger.ts";
import type { OfferCriteria } from "../../../components/vast/market/criteria.ts";
import { market } from "../../../components/vast/market/offers.ts";
import { startSimulator } from "../../../simulator/index.ts";
import { fakeTerminal } from "../../support/fake-terminal.ts";

/** A stack with this config, on a simulator of its own. */
async function openStack(t: TestContext, config: Readonly<Record<string, string>>) {
  const folder = mkdtempSync(join(tmpdir(), "vast-offers-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const simulator = await startSimulator({ home: join(folder, "home", "simulator"), hosts: "none", pace: false });
  t.after(() => simulator.close());
  const api = { apiUrl: "simulator", apiKeyFile: "" };
  const keys = Object.entries({ ...config, ...api });
  const printed = Object.fromEntries(keys.map(([key, value]) => [`vast-training:${key}`, { value }]));
  const bin = join(folder, "bin");
  mkdirSync(bin);
  writeFileSync(join(bin, "config.json"), JSON.stringify({ ...printed, "aws:region": { value: "x" } }));
  writeFileSync(join(bin, "pulumi"), `#!/bin/sh\ncat ${join(bin, "config.json")}\n`);
  chmodSync(join(bin, "pulumi"), 0o755);
  const env = { PATH: `${bin}:/usr/bin:/bin`, HOME: folder, VAST_TRAINING_HOME: join(folder, "home") };
  const offers = async (columns: number, ...words: string[]) => {
    const terminal = fakeTerminal({ env, columns });
    const code = await main(["offers", ...words], terminal);
    return { code, out: terminal.written.join("\n"), note: terminal.noted.join("\n") };
  };
  const searches = () => simulator.world.requests.filter(({ path }) => /bundles/.test(path)).length;
  const places = { own: openStateDir(env).ledgerDir, lab: "" };
  const ledger = new Ledger(places, simulator.url, { now: Date.now, say: (text) => assert.fail(text) });
  return { offers, searches, ledger, hub: simulator.url, client: new VastClient(openApi(api, env)) };
}

const wanted: OfferCriteria = {
  ...{ gpu: "H100 SXM", gpus: 1, rental: "interruptible", maxPricePerHour: 3.5, bidMarkup: 0.2, diskGb: 150 },
  ...{ minReliability: 0.95, minDownloadMbps: 200, minDurationHours: 24, verified: true, maxOffers: 64 },
};

test("offers lists what the planner would try, in its order, and why it passes over the rest", async (t) => {
  const { offers, searches, client } = await openStack(t, {});
  const { code, out, note } = await offers(120, "--json");
  assert.equal(code, 0, note);
  assert.equal(searches(), 2, "one on bids, one beside them on demand");
  const rows = JSON.parse(out) as Record<string, unknown>[];
  const fits = rows.filter((row) => row.fits);
  const { choices } = await market(client, wanted);
  assert.deepEqual(
    fits.map(({ machineId, totalPerHour, onDemandPerHour }) => [machineId, totalPerHour, onDemandPerHour]),
    choices.map(({ machineId, totalPerHour, onDemandPerHour }) => [machineId, totalPerHour, onDemandPerHour]),
  );
  assert.ok(fits.length > 0 && fits.length < rows.length);
  for (const row of rows) {
    assert.equal(row.passedOver === "", row.fits);
    assert.equal(typeof row.pullMinutes, "number");
  }
});

test("a machine is passed over once for each reason, however many offers it has", async (t) => {
  const { offers } = await openStack(t, { maxPricePerHour: "0.1" });
  const { out } = await offers(200, "--all");
  const lines = out.split("Passed over:\n")[1]?.split("\n") ?? [];
  const rows = JSON.parse((await offers(200, "--json")).out) as Row[];
  assert.ok(lines.length > 0 && lines.length < rows.length, "some machines have several offers");
  assert.equal(new Set(lines).size, lines.length);
});

const onBase = { image: "japhba/cot-oracle-on-vastai", cachedBase: "vastai/pytorch:2.6" };

test("with a base that hosts may have, offers says what it saves, in the same order", async (t) => {
  const { offers } = await openStack(t, onBase);
  const { code, out, note } = await offers(120);
  assert.equal(code, 0, note);
  assert.match(note, /5\.0 of 5\.4 GB of the image are layers of vastai\/pytorch:2\.6: PULL is without and with/);
  assert.match(out, /\n ?1 +\d+ .* \d+ min, \d+ s +\d\.\d{3} /);
  const machines = async (stack: typeof offers) => {
    const { out: json, note } = await stack(120, "--json");
    assert.doesNotMatch(note, /layers/, "JSON is alone");
    return (JSON.parse(json) as Row[]).map(({ machineId }) => machineId);
  };
  const { offers: plain } = await openStack(t, { image: onBase.image });
  assert.deepEqual(await machines(offers), await machines(plain));
});

type Row = Record<string, unknown>;

test("of a machine that ran layers of the image what is left to pull is shown, without any key", async (t) => {
  const { offers, ledger, hub } = await openStack(t, { ...onBase, cachedBase: "" });
  const rows = async () => JSON.parse((await offers(120, "--json")).out) as Row[];
  const before = await rows();
  const pulled = (await inspectImage(onBase.image, { hub })).digest;
  const [first] = before;
  ledger.note({ machineId: Number(first?.machineId), gpus: 8 }, { what: "served", hours: 1, pulled });
  const known = { cachedPullMinutes: 0, cachedPullOf: "machine" };
  assert.deepEqual(
    await rows(),
    before.map((row) => ({ ...row, ...(row.machineId === first?.machineId ? known : {}) })),
  );
  assert.match((await offers(120)).out, /\n ?1 +\d+ .* 6 s +\d\.\d{3} .*\n ?2 +\d+ .* \d+ min +\d\.\d{3} /);
});

for (const [what, base, words] of [
  ["that saves nothing", "pytorch/pytorch:2.6", /the image does not start with layers of pytorch\/pytorch:2\.6/],
  ["that is missing", "unknown/pytorch", /^cachedBase: .*unknown\/pytorch.* So what it saves .* is not known/],
  ["whose registry does not answer", "127.0.0.1:1/a/b", /^cachedBase: .*does not answer .* is not known/],
] as const)
  test(`a base ${what} is said, and the market shown`, async (t) => {
    const { offers } = await openStack(t, { ...onBase, cachedBase: base });
    const warn = t.mock.method(pulumi.log, "warn", async () => {});
    const { code, out, note } = await offers(120);
    assert.equal(code, 0, note);
    assert.match([...warn.mock.calls.map(({ arguments: [text] }) => text), note].join("\n"), words);
    assert.match(out, /\n ?1 +\d+ .* \d+ min +\d\.\d{3} /);
  });

for (const [columns, config] of [
  [80, {}],
  [120, {}],
  [80, onBase],
] as const)
  test(`what is shown fits ${columns} columns${config === onBase ? ", with a base" : ""}`, async (t) => {
    const { offers } = await openStack(t, config);
    const { code, out } = await offers(columns, "--all");
    assert.equal(code, 0);
    assert.match(out, /^ +MACHINE +BID +ON DEMAND +TOTAL +PULL +RELIABLE +PLACE\n ?1 +\d+ +\d\.\d{3} +~?\d/);
    assert.match(out, /\nPassed over:\n {2}machine \d+: /);
    for (const line of out.split("\n")) assert.ok(line.length <= columns, line);
  });

test("a market in which nothing fits says why, and a wrong config what to write", async (t) => {
  const poor = await (await openStack(t, { maxPricePerHour: "0.1" })).offers(120);
  assert.equal(poor.code, 0);
  assert.match(poor.note, /^Nothing fits: 1x H100 SXM \(interruptible, up to \$0\.100\/h\)/);
  assert.match(poor.out, /Passed over:\n {2}machine \d+: .*\$\d/);
  const wrong = await (await openStack(t, { gpuss: "2" })).offers(120);
  assert.deepEqual([wrong.code, wrong.out], [2, ""]);
  assert.match(wrong.note, /gpuss.*did you mean gpus\?/);
});

test("a machine that failed within the week is passed over here as well", async (t) => {
  const { offers, ledger } = await openStack(t, {});
  const rows = async () => JSON.parse((await offers(120, "--json")).out) as Record<string, unknown>[];
  const [first, second] = await rows();
  ledger.note({ machineId: Number(first?.machineId), gpus: 1 }, { what: "fault", words: "its set-up did not run" });
  const now = await rows();
  assert.equal(now[0]?.machineId, second?.machineId);
  const passed = now.find(({ offerId }) => offerId === first?.offerId);
  assert.match(
    String(passed?.passedOver),
    /^passed over for a week: machine \d+: failed .* \(its set-up did not run\)$/,
  );
});
