import assert from "node:assert/strict";
import { test } from "node:test";
import { type PhaseCause, type PhaseName, phaseOf } from "../../../../components/vast/client/phase.ts";
import { instanceFromWire } from "../../../../components/vast/client/wire.ts";
import { endpoints } from "../../../../components/vast/ready/endpoints.ts";
import { instance } from "../../../support/rows.ts";
import { specimens } from "../../../support/wire.ts";

type Words = [actual: string | null, intended: string, cur: string, next: string];

const up: Words = ["running", "running", "running", "running"];
const loading: Words = ["loading", "running", "running", "running"];
const created: Words = ["created", "running", "running", "running"];
const none: Words = [null, "running", "running", "running"];
const down: Words = ["exited", "stopped", "stopped", "stopped"];

function read([actual, intended, cur, next]: Words, more: Record<string, unknown> = {}) {
  const words = { actual_status: actual, intended_status: intended, cur_state: cur, next_state: next };
  return phaseOf(instance({ status_msg: null, ...words, ...more }));
}

const cases: [name: string, words: Words, more: Record<string, unknown>, phase: PhaseName, cause?: PhaseCause][] = [
  ["running", up, {}, "ready"],
  ["running, a message of the pull still standing", up, { status_msg: "unexpected EOF" }, "ready"],
  ["no report yet", none, {}, "pending"],
  ["created", created, {}, "pending"],
  ["loading", loading, { status_msg: "4bbfd2c87b75: Pulling fs layer" }, "pending"],
  ["rebooting", ["rebooting", "running", "running", "running"], {}, "pending"],
  ["recycling", ["recycling", "running", "running", "running"], {}, "pending"],
  ["scheduling", ["scheduling", "running", "stopped", "running"], {}, "pending"],
  ["a word of the future", ["dreaming", "running", "running", "running"], {}, "pending"],
  ["stopping", ["running", "stopped", "running", "stopped"], { is_bid: false }, "stopped", "stopped"],
  ["stopped", down, { is_bid: false }, "stopped", "stopped"],
  ["stopped, the other word", ["stopped", "stopped", "stopped", "stopped"], { is_bid: false }, "stopped", "stopped"],
  ["outbid", down, { is_bid: true, status_msg: "success, running x" }, "stopped", "outbid"],
  ["a queued start", ["exited", "running", "stopped", "running"], {}, "stopped", "queued"],
  ["a crash", ["exited", "running", "running", "running"], {}, "stopped", "exited"],
  ["frozen", ["frozen", "frozen", "running", "running"], {}, "stopped", "frozen"],
  ["no hardware", [null, "stopped", "stopped", "stopped"], {}, "failed", "host"],
  ["unknown", ["unknown", "running", "running", "running"], {}, "unknown"],
  ["offline", ["offline", "running", "running", "running"], {}, "offline"],
  ["no such tag", loading, { status_msg: "manifest for a/b:c not found: manifest unknown" }, "failed", "image"],
  [
    "a private image",
    loading,
    { status_msg: "pull access denied for a/b, repository does not exist" },
    "failed",
    "image",
  ],
  ["no login", none, { status_msg: "unauthorized: authentication required" }, "failed", "image"],
  [
    "an image error of the daemon",
    loading,
    { status_msg: "Error response from daemon: manifest unknown" },
    "failed",
    "image",
  ],
  ["the daemon", loading, { status_msg: "Error response from daemon: no such device" }, "failed", "host"],
  [
    "a pull limit",
    loading,
    { status_msg: "Error response from daemon: toomanyrequests: You have reached your pull rate limit" },
    "failed",
    "limited",
  ],
  [
    "no such tag, containerd's words",
    loading,
    { status_msg: 'failed to resolve reference "docker.io/a/b:c": docker.io/a/b:c: not found' },
    "failed",
    "image",
  ],
  [
    "a registry that does not answer",
    loading,
    { status_msg: 'failed to resolve reference "docker.io/a/b:c": dial tcp 10.0.0.1:443: i/o timeout' },
    "failed",
    "host",
  ],
  ["a cut pull", loading, { status_msg: "unexpected EOF" }, "failed", "host"],
  ["a full disk", loading, { status_msg: "write /x: no space left on device" }, "failed", "host"],
  ["no container", created, { status_msg: "OCI runtime create failed: unable to start" }, "failed", "host"],
  ["a layer", loading, { status_msg: "failed to register layer: x" }, "failed", "host"],
  [
    "an exit with a fatal message",
    ["exited", "running", "running", "running"],
    { status_msg: "OCI runtime create failed" },
    "failed",
    "host",
  ],
];

for (const [name, words, more, phase, cause] of cases) {
  test(`${name}: ${words.join("/")} is ${phase}${cause === undefined ? "" : `, ${cause}`}`, () => {
    const read_ = read(words, more);
    assert.equal(read_.phase, phase);
    assert.equal(read_.cause, cause);
  });
}

test("no instance is gone", () => assert.equal(phaseOf(undefined).phase, "gone"));

test("the text says how far it is", () => {
  assert.equal(read(none).text, "1/6 waiting for the host");
  assert.equal(read(loading).text, "2/6 image pull");
  assert.equal(read(created).text, "1/6 waiting for the host", "before the pull");
  assert.equal(read(created, { status_msg: "7f1d3aa90c21: Pull complete" }).text, "3/6 container start");
  assert.equal(read(up, { ports: null }).text, "4/6 ssh endpoint");
  assert.equal(read(up).text, "5/6 ssh login");
});

test("the text of a failure is Vast's, and printable", () => {
  assert.equal(
    read(loading, { status_msg: "unexpected\u001b[2J EOF\n" }).text,
    "its host cannot start it: unexpected EOF",
  );
});

for (const { name, expect, data } of specimens("instance")) {
  test(`what Vast really says, ${name}: ${JSON.stringify(expect)}`, () => {
    const row = instanceFromWire(data);
    assert.ok(row !== undefined);
    const { phase, cause } = phaseOf(row);
    const { direct, proxy } = endpoints(row);
    const at = (end: typeof direct) => (end === undefined ? null : `${end.host}:${end.port}`);
    const read: Record<string, unknown> = { phase, cause, direct: at(direct), proxy: at(proxy) };
    for (const [key, value] of Object.entries(expect)) assert.equal(read[key], value, key);
  });
}

test("a machine that is stopped says why, when Vast does", () => {
  const words = { status_msg: "Machine is under maintenance until 14:00\n" };
  assert.match(read(down, { is_bid: false, ...words }).text, /^stopped: Machine is under maintenance until 14:00$/);
  assert.match(read(down, { is_bid: true, ...words }).text, /^stopped: .*; Vast says: Machine is under maintenance/);
  assert.equal(read(down, { is_bid: false, status_msg: "success, running a/b_c/ssh\n" }).text, "stopped");
});

test("an error that nobody knows is shown, and is none on a machine that runs", () => {
  const words = { status_msg: "5c2bf2a3b1c6: Waiting\nError: the moon" };
  assert.deepEqual(read(created, words), {
    phase: "pending",
    step: "container start",
    text: "3/6 container start",
    complaint: "Error: the moon",
  });
  assert.equal(read(up, words).phase, "ready");
  assert.equal(read(loading, words).complaint, "Error: the moon");
});
