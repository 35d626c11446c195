import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import type { Endpoint } from "../../../components/ssh/endpoint.ts";
import { pinHostKey, pinnedHostKeys } from "../../../components/ssh/known-hosts.ts";
import { probe, reasonOf } from "../../../components/ssh/probe.ts";
import type { SshKey } from "../../../components/ssh/ssh-key.ts";
import { freePort, needsRoot, portThat, sshd, temporaryHome } from "../../support/sshd.ts";
import { until } from "../remote/box.ts";

const ID = 31415926;

const at = (port: number, via: Endpoint["via"] = "direct"): Endpoint => ({ host: "127.0.0.1", port, via });

const access = (key: SshKey, firstUse = true) => ({ instanceId: ID, key, firstUse });

const words: [stderr: string, reason: string][] = [
  ["ssh: connect to host 10.0.0.1 port 41: Connection refused", "refused"],
  ["ssh: connect to host 10.0.0.1 port 41: Connection timed out", "timeout"],
  ["Connection timed out during banner exchange", "timeout"],
  ["ssh: connect to host 10.0.0.1 port 41: No route to host", "timeout"],
  ["root@10.0.0.1: Permission denied (publickey).", "denied"],
  ["Received disconnect from 10.0.0.1 port 22:2: Too many authentication failures", "denied"],
  ["kex_exchange_identification: Connection closed by remote host", "closed"],
  ["kex_exchange_identification: read: Connection reset by peer", "closed"],
  ["WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!\nHost key verification failed.", "host_key_changed"],
  ["ssh: Could not resolve hostname nowhere.invalid: Name or service not known", "failed"],
];

for (const [stderr, reason] of words) {
  test(`"${stderr.slice(0, 60)}" means ${reason}`, () => assert.equal(reasonOf(stderr), reason));
}

test("a login that works pins the host key", needsRoot, async (t) => {
  const { key } = temporaryHome(t);
  const server = await sshd(t, key.publicKey);
  const first = await probe(at(server.port), access(key));
  assert.deepEqual(first, { ok: true, endpoint: at(server.port), hostKey: server.hostKey });
  assert.equal(readFileSync(key.knownHostsFile, "utf8"), `vast-${ID} ${server.hostKey} direct\n`);
  const again = await probe(at(server.port), access(key, false));
  assert.equal(again.ok, true);
});

test(
  "a login is by the cipher that processors are fastest with, or by any that the machine has",
  needsRoot,
  async (t) => {
    const { key } = temporaryHome(t);
    const usual = await sshd(t, key.publicKey, { LogLevel: "DEBUG1" });
    assert.equal((await probe(at(usual.port), access(key))).ok, true);
    // The log comes by a way of its own.
    await until(
      () => /server->client cipher: aes128-gcm@openssh\.com/.test(usual.log()),
      () => usual.log(),
    );
    for (const [index, Ciphers] of ["chacha20-poly1305@openssh.com", "aes256-ctr"].entries()) {
      const narrow = await sshd(t, key.publicKey, { Ciphers });
      const result = await probe(at(narrow.port), { ...access(key), instanceId: ID + 1 + index });
      assert.equal(result.ok, true, `${Ciphers}: ${result.ok || result.text}`);
    }
  },
);

test("without a pinned key only a first use may log in", needsRoot, async (t) => {
  const { key } = temporaryHome(t);
  const server = await sshd(t, key.publicKey);
  const result = await probe(at(server.port), access(key, false));
  assert.equal(result.ok, false);
  assert.match(result.ok ? "" : result.text, /no host key is pinned/);
});

test("a key that is not allowed is denied, and pins nothing", needsRoot, async (t) => {
  const { key } = temporaryHome(t);
  const other = temporaryHome(t);
  const server = await sshd(t, other.key.publicKey);
  const result = await probe(at(server.port), access(key));
  assert.equal(result.ok ? "" : result.reason, "denied");
  assert.deepEqual(pinnedHostKeys(key.knownHostsFile, ID), []);
});

test("another host key than the pinned one is refused, also at first use", needsRoot, async (t) => {
  const { key } = temporaryHome(t);
  const server = await sshd(t, key.publicKey);
  const stranger = await sshd(t, key.publicKey);
  await probe(at(server.port), access(key));
  const result = await probe(at(stranger.port), access(key));
  assert.equal(result.ok ? "" : result.reason, "host_key_changed");
});

test(
  "a key that was seen by one way is wanted by the other: a machine made anew may answer there first",
  needsRoot,
  async (t) => {
    const { key } = temporaryHome(t);
    const [server, other] = [await sshd(t, key.publicKey), await sshd(t, key.publicKey)];
    await probe(at(server.port), access(key));
    const same = await probe(at(server.port, "proxy"), access(key, false));
    assert.equal(same.ok && same.hostKey, server.hostKey);
    for (const firstUse of [true, false]) {
      const another = await probe(at(other.port, "proxy"), access(key, firstUse));
      assert.equal(another.ok ? "" : another.reason, "host_key_changed");
      assert.equal(another.ok ? "" : another.shown, other.hostKey);
    }
  },
);

test("a key that came from the state leaves no room for another", needsRoot, async (t) => {
  const { key } = temporaryHome(t);
  const [server, relay] = [await sshd(t, key.publicKey), await sshd(t, key.publicKey)];
  pinHostKey(key.knownHostsFile, ID, server.hostKey);
  const result = await probe(at(relay.port, "proxy"), access(key, false));
  assert.equal(result.ok ? "" : result.reason, "host_key_changed");
});

test("a closed port refuses, a port that hangs up closes", async (t) => {
  const { key } = temporaryHome(t);
  const refused = await probe(at(await freePort()), access(key));
  assert.equal(refused.ok ? "" : refused.reason, "refused");
  const drop = await portThat(t, (socket) => socket.destroy());
  const closed = await probe(at(drop), access(key));
  assert.equal(closed.ok ? "" : closed.reason, "closed");
});
