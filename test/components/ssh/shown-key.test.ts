import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { type TestContext, test } from "node:test";
import { hostKeyFingerprint, pinHostKey, pinnedHostKeys } from "../../../components/ssh/known-hosts.ts";
import { probe } from "../../../components/ssh/probe.ts";
import { identityAt, shownHostKey } from "../../../components/ssh/shown-key.ts";
import { freePort, type Home, needsRoot, sshd, temporaryHome } from "../../support/sshd.ts";

const ID = 31415926;
const at = (port: number) => ({ host: "127.0.0.1", port, via: "direct" as const });
const owner = ({ key }: Home) => ({ instanceId: ID, key });

/** The user accepts this host key for the length of a test. */
function accept(t: TestContext, hostKey: string): void {
  process.env.VAST_ACCEPT_HOST_KEY = hostKeyFingerprint(hostKey);
  t.after(() => delete process.env.VAST_ACCEPT_HOST_KEY);
}

/** A machine that was seen once, and then was made anew. */
async function recycled(t: TestContext) {
  const home = temporaryHome(t);
  const [old, anew] = [await sshd(t, home.key.publicKey), await sshd(t, home.key.publicKey)];
  await probe(at(old.port), { ...owner(home), firstUse: true });
  return { home, old, anew, file: home.key.knownHostsFile };
}

test("a host key is seen without a login, and shown as ssh shows it", needsRoot, async (t) => {
  const home = temporaryHome(t);
  const server = await sshd(t, temporaryHome(t).key.publicKey);
  assert.equal(await shownHostKey(at(server.port), owner(home)), server.hostKey);
  const words = execFileSync("ssh-keygen", ["-lf", "-"], { input: server.hostKey, encoding: "utf8" });
  assert.equal(hostKeyFingerprint(server.hostKey), words.split(" ")[1]);
  assert.deepEqual(pinnedHostKeys(home.key.knownHostsFile, ID), [], "looking pins nothing");
  assert.equal(await shownHostKey(at(await freePort()), owner(home)), undefined);
});

test("another key is refused, with both fingerprints, until exactly it is accepted", needsRoot, async (t) => {
  const { home, old, anew, file } = await recycled(t);
  const refused = await probe(at(anew.port), owner(home));
  assert.ok(!refused.ok && refused.reason === "host_key_changed" && refused.shown === anew.hostKey);
  const identity = await identityAt(at(anew.port), owner(home), old.hostKey);
  assert.ok(typeof identity === "object");
  for (const key of [old, anew]) assert.ok(identity.stranger.includes(hostKeyFingerprint(key.hostKey)));
  assert.match(identity.stranger, /VAST_ACCEPT_HOST_KEY=SHA256:/);

  accept(t, old.hostKey);
  assert.equal((await probe(at(anew.port), owner(home))).ok, false, "the fingerprint of another key accepts nothing");
  accept(t, anew.hostKey);
  assert.equal(await identityAt(at(anew.port), owner(home), old.hostKey), "accepted");
  assert.deepEqual(pinnedHostKeys(file, ID), [old.hostKey], "to look is not to accept");
  const entered = await probe(at(anew.port), owner(home));
  assert.ok(entered.ok && entered.hostKey === anew.hostKey);
  delete process.env.VAST_ACCEPT_HOST_KEY;

  assert.equal((await probe(at(anew.port), owner(home))).ok, true, "once is enough");
  pinHostKey(file, ID, old.hostKey);
  assert.deepEqual(
    pinnedHostKeys(file, ID),
    [anew.hostKey],
    "a state that still names the old key does not bring it back",
  );
  const back = await probe(at(old.port), owner(home));
  assert.equal(back.ok ? "" : back.reason, "host_key_changed", "the old machine is the stranger now");
  assert.equal(await identityAt(at(anew.port), owner(home), old.hostKey), "same");
});

test("who does not answer is no stranger", needsRoot, async (t) => {
  const { home, old } = await recycled(t);
  assert.equal(await identityAt(at(await freePort()), owner(home), old.hostKey), "same");
  assert.equal(await identityAt(at(old.port), owner(home), old.hostKey), "same");
});
