import assert from "node:assert/strict";
import { test } from "node:test";
import { type CheckedInputs, outputsOf, refreshed } from "../../../../components/vast/instance/instance.outputs.ts";
import { planOf, replacedText } from "../../../../components/vast/instance/plan.ts";
import { criteria } from "../../../support/request.ts";
import { instance, quote } from "../../../support/rows.ts";

const inputs: CheckedInputs = {
  ...criteria,
  apiUrl: "",
  apiKeyFile: "",
  label: "vt-abc-run",
  image: "pytorch/pytorch",
  publicKeys: ["ssh-ed25519 AAAA ours"],
  sshKeyFile: "",
  readyTimeoutMinutes: { machine: 30, total: 60 },
  quote,
};

const endpoint = { host: "203.0.113.42", port: 41685, via: "direct", hostKey: "ssh-ed25519 AAAA" } as const;
const startedAt = "2026-09-01T00:00:00.000Z";
const ready = outputsOf(instance(), inputs, { endpoint, offerId: 28705911, urn: "urn:x", startedAt });

test("the outputs of an instance that is ready", () => {
  const { asked, quote: promised, __urn, ...shown } = ready;
  assert.deepEqual(shown, {
    schemaVersion: 1,
    instanceId: "31415926",
    label: "vt-abc-run",
    offerId: "28705911",
    machineId: "41907",
    gpu: "H100 SXM",
    gpus: 1,
    rental: "interruptible",
    pricePerHour: 1.8417,
    rentedPerHour: 1.8417,
    bidPerHour: 1.8,
    diskGb: 150,
    sshHost: "203.0.113.42",
    sshPort: 41685,
    hostKey: "ssh-ed25519 AAAA",
    phase: "ready",
    accountId: "",
    keyFingerprint: "",
    startedAt,
    location: "Texas, US",
    endsAt: new Date(1793800000 * 1000).toISOString(),
    image: "pytorch/pytorch",
    apiUrl: "",
    apiKeyFile: "",
    sshKeyFile: "",
  });
  assert.deepEqual(promised, quote);
  assert.deepEqual(asked, {
    gpu: "H100 SXM",
    gpus: 1,
    rental: "interruptible",
    diskGb: 150,
    image: "pytorch/pytorch",
    label: "vt-abc-run",
    apiUrl: "",
    apiKeyFile: "",
  });
  assert.equal(__urn, "urn:x");
});

test("a refresh tells what Vast says, and keeps what it does not say", () => {
  const outbid = { actual_status: "exited", intended_status: "stopped", cur_state: "stopped", next_state: "stopped" };
  const stopped = refreshed(ready, instance({ ...outbid, ports: null, end_date: null, dph_total: 2 }));
  const { phase, sshHost, sshPort, hostKey, endsAt, pricePerHour, rentedPerHour } = stopped;
  assert.deepEqual([phase, sshHost, sshPort, hostKey], ["stopped", "203.0.113.42", 41685, "ssh-ed25519 AAAA"]);
  assert.deepEqual([endsAt, pricePerHour], [ready.endsAt, 2]);
  assert.equal(rentedPerHour, 1.8417, "what depends on the price is not to change with it");
  const moved = refreshed(ready, instance({ ports: { "22/tcp": [{ HostPort: "50000" }] } }));
  assert.equal(moved.sshPort, 50000);
});

test("a way in through the relay stays one", () => {
  const proxy = { host: "ssh5.vast.ai", port: 15926, via: "proxy", hostKey: "ssh-ed25519 AAAA" } as const;
  const outputs = outputsOf(instance(), inputs, { endpoint: proxy });
  const { sshHost, sshPort } = refreshed(outputs, instance());
  assert.deepEqual([sshHost, sshPort], ["ssh5.vast.ai", 15926]);
});

test("what replaces an instance, and what changes nothing", () => {
  const replaces: [Partial<CheckedInputs>, string[]][] = [
    [{ gpu: "A100 SXM4" }, ["gpu"]],
    [{ gpus: 2 }, ["gpus"]],
    [{ rental: "on-demand" }, ["rental"]],
    [{ diskGb: 200 }, ["diskGb"]],
    [{ image: "other/image" }, ["image"]],
    [{ label: "vt-other" }, ["label"]],
    [{ apiUrl: "simulator" }, ["apiUrl"]],
    [{ gpus: 2, image: "other/image" }, ["gpus", "image"]],
  ];
  for (const [change, keys] of replaces)
    assert.deepEqual(planOf(ready, { ...inputs, ...change }), { replaces: keys, changes: true });
  const harmless: Partial<CheckedInputs>[] = [
    {},
    { gpu: "h100_sxm" },
    { apiUrl: "https://console.vast.ai/" },
    { maxPricePerHour: 9, bidMarkup: 1 },
    { minReliability: 0.5, minDownloadMbps: 1, minDurationHours: 1, verified: false, maxOffers: 9 },
    { publicKeys: ["ssh-ed25519 BBBB other"], sshKeyFile: "/key" },
    { readyTimeoutMinutes: { machine: 1, total: 2 }, onstart: "true" },
    { quote: { ...quote, totalPerHour: 1 } },
    { quote: { ...quote, cachedPullMinutes: 1, cachedPullOf: "base" } },
    { cachedBase: `vastai/pytorch@sha256:${"0".repeat(64)}` },
  ];
  for (const change of harmless)
    assert.deepEqual(planOf(ready, { ...inputs, ...change }), { replaces: [], changes: false });
});

test("an image that is yet to be built replaces, and the digest of a tag that was rented does not", () => {
  const isUnknown = (value: unknown) => value === "?";
  assert.deepEqual(planOf(ready, { ...inputs, image: "?" }, isUnknown).replaces, ["image"]);
  const digest = `sha256:${"0".repeat(64)}`;
  const changes = (image: string, news: string) =>
    planOf({ ...ready, asked: { ...ready.asked, image } }, { ...inputs, image: news }).replaces;
  assert.deepEqual(changes("pytorch/pytorch", `pytorch/pytorch@${digest}`), []);
  assert.deepEqual(changes("host:5000/a/b:tag", `host:5000/a/b@${digest}`), []);
  assert.deepEqual(changes("host:5000/a/b:tag", `host:5000/a/c@${digest}`), ["image"]);
  assert.deepEqual(changes(`a/b@${digest}`, `a/b@sha256:${"1".repeat(64)}`), ["image"]);
});

test("what an update is for", () => {
  const changes = (olds: object, news: object = {}) => planOf({ ...ready, ...olds }, { ...inputs, ...news });
  assert.deepEqual(changes({ phase: "stopped" }), { replaces: [], changes: true });
  assert.deepEqual(changes({ phase: "pending" }), { replaces: [], changes: true });
  assert.deepEqual(changes({ label: "renamed by hand" }), { replaces: [], changes: true });
  assert.deepEqual(changes({}, { apiKeyFile: "/elsewhere" }), { replaces: [], changes: true });
  assert.deepEqual(changes({ phase: "failed", hostKey: "" }), { replaces: ["phase"], changes: true });
  assert.deepEqual(
    changes({ phase: "failed" }),
    { replaces: [], changes: true },
    "it was ready once: it may hold data",
  );
});

test("what is not known yet changes nothing", () => {
  const unknown = { ...inputs, label: "?", gpus: "?" as unknown as number };
  assert.deepEqual(
    planOf(ready, unknown, (value) => value === "?"),
    { replaces: [], changes: false },
  );
});

test("what goes is named, with its price and what changed", () => {
  const olds = { ...ready, instanceId: "7", gpus: 1, gpu: "H100 SXM", pricePerHour: 1.0706 };
  assert.equal(
    replacedText(olds, ["gpus", "diskGb"]),
    "instance 7 (1x H100 SXM, $1.071/h) goes (gpus, diskGb changed); then comes:",
  );
  assert.match(replacedText(olds, ["phase"]), /goes \(it never came up\); then comes:$/);
});
