import assert from "node:assert/strict";
import { existsSync, readdirSync } from "node:fs";
import { test } from "node:test";
import { envLines } from "../../cli/machine/env.ts";
import type { StackMachine } from "../../cli/machine/machine.ts";
import { pinHostKey } from "../../components/ssh/known-hosts.ts";
import { writeSshConfig } from "../../components/ssh/ssh-config.ts";
import { isVastError } from "../../components/vast/client/errors.ts";
import { phaseOf } from "../../components/vast/client/phase.ts";
import { offerFromWire } from "../../components/vast/client/wire.ts";
import { liveEndpoint } from "../../components/vast/ready/live-endpoint.ts";
import { instance, instanceRow, offerRow } from "../support/rows.ts";
import { scriptedApi } from "../support/scripted-api.ts";
import { temporaryHome } from "../support/sshd.ts";

const ID = 31415926;
const ESCAPES = "\u001b[2J\u001b]0;owned\u0007\rgone\u009b31m\u202e\nnext";

const texts = Object.entries(instanceRow()).filter(([, value]) => typeof value === "string");

test("no text of a row reaches a terminal with more than one printable line", () => {
  const changes = Object.fromEntries(texts.map(([name, value]) => [name, `${value}${ESCAPES}`]));
  const offer = offerFromWire(offerRow({ gpu_name: ESCAPES, geolocation: ESCAPES, verification: ESCAPES }));
  // Its message is read line by line, and shown by its phase alone.
  const { statusMsg: _, ...row } = instance(changes);
  const statuses = ["exited", "loading", "created", "offline", "scheduling", ESCAPES];
  const messages = ["", "Error: ", "manifest unknown ", "no space left on device "].map(
    (words) => `${words}${ESCAPES}`,
  );
  const said = statuses.flatMap((actual_status) =>
    messages.flatMap((status_msg) => {
      const { text, complaint = "" } = phaseOf(instance({ ...changes, actual_status, status_msg }));
      return [text, complaint];
    }),
  );
  assert.ok(offer !== undefined);
  for (const text of [...Object.values(offer), ...Object.values(row), ...said]) {
    assert.doesNotMatch(String(text), /[\p{Cc}\p{Cf}]/u, JSON.stringify(text));
  }
});

test("Vast's own complaint is one printable line", async (t) => {
  const ask = `GET /api/v0/instances/${ID}/`;
  const api = await scriptedApi(t, { ask, answer: { status: 400, body: { error: "x", msg: ESCAPES } } });
  await assert.rejects(api.client.instance(ID), ({ message }: Error) => {
    assert.doesNotMatch(message, /[\p{Cc}\p{Cf}]/u);
    return /gone/.test(message);
  });
});

for (const id of ["7", "x;touch /tmp/p", -7, 0, 1.5, 1e300, null, [7], { id: 7 }]) {
  test(`new_contract ${JSON.stringify(id)} is no id, and what was rented is unclear`, async (t) => {
    const answer = { body: { success: true, new_contract: id } };
    const api = await scriptedApi(t, { ask: "PUT /api/v0/asks/5/", answer });
    const order = { label: "vt-x", image: "a/b", diskGb: 9, env: {}, onstart: "", bidPerHour: 1 };
    await assert.rejects(api.client.rent(5, order), (error) => isVastError(error, "ambiguous"));
  });
}

const nobody: [what: string, changes: Record<string, unknown>][] = [
  ["a shell's command", { public_ipaddr: "x;touch /tmp/p", ssh_host: "x;touch /tmp/p" }],
  ["an option of ssh", { public_ipaddr: "-oProxyCommand=touch /tmp/p", ssh_host: "-oProxyCommand=touch /tmp/p" }],
  ["an option without blanks", { public_ipaddr: "-oProxyCommand=x", ssh_host: "-F/tmp/p" }],
  ["a line of an ssh config file", { public_ipaddr: "h\n  ProxyCommand touch /tmp/p", ssh_host: "h\rx" }],
  ["another user", { public_ipaddr: "me@127.0.0.1", ssh_host: "me@127.0.0.1" }],
  ["what ssh would expand", { public_ipaddr: "%h", ssh_host: "$HOME" }],
  ["no port", { ports: { "22/tcp": [{ HostPort: "22 -oProxyCommand=x" }] }, ssh_port: "22;id" }],
  ["a port that is none", { ports: { "22/tcp": [{ HostPort: "65536" }] }, ssh_port: 0 }],
];

for (const [what, changes] of nobody) {
  test(`a machine whose address is ${what} is never called`, async (t) => {
    const { key, path } = temporaryHome(t);
    pinHostKey(key.knownHostsFile, ID, "ssh-ed25519 AAAA");
    const row = instance(changes);
    const client = { instances: async () => [row], instance: async () => row } as never;
    let calls = 0;
    const probe = async () => assert.fail(`called ${++calls}`);
    const looking = liveEndpoint(client, { instanceId: ID, key }, { deadline: Date.now() + 100, probe });
    await assert.rejects(looking, /Vast has published no ssh endpoint/);
    assert.deepEqual([calls, existsSync("/tmp/p")], [0, false]);
    assert.deepEqual(readdirSync(path), ["state"]);
  });
}

test("no address gets into an ssh config file or into a shell as anything but a word", (t) => {
  const { key } = temporaryHome(t);
  const place = { port: 22, instanceId: 7, key };
  for (const host of ["h\n  ProxyCommand touch /tmp/p", "-x", "a b", ""]) {
    assert.throws(() => writeSshConfig({ ...place, host }), /is not the name or address of a host/);
  }
  const endpoint = { host: "x;touch /tmp/p", port: 22, via: "direct" as const, hostKey: "ssh-ed25519 AAAA" };
  const plain = { privateKeyFile: "/k", publicKey: "", knownHostsFile: "/known" };
  assert.throws(() => envLines({ instanceId: 7, key: plain, endpoint } as StackMachine), /blank/);
});
