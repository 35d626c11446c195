import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { hostKeyFingerprint, pinHostKey } from "../../components/ssh/known-hosts.ts";
import { liveEndpoint } from "../../components/vast/ready/live-endpoint.ts";
import { notAll } from "../support/all.ts";
import { openProgram, type Program } from "../support/program.ts";
import { instance } from "../support/rows.ts";
import { needsRoot, sshd, temporaryHome } from "../support/sshd.ts";

/** Resolves when the only machine runs again: then one `up` meets its sshd. */
async function isMadeAnew({ simulator }: Program): Promise<void> {
  while ((await simulator.ledger()).contracts[0]?.state !== "running") await sleep(200);
}

test("a machine that was made anew is a stranger to up, until its key is accepted; then up follows it", {
  skip: notAll,
  ...needsRoot,
}, async (t: TestContext) => {
  const program = await openProgram(t);
  await program.works("up", ["--skip-preview"]);
  const { instanceId, hostKey } = await program.outputs();
  const startedAt = async () => /"startedAt": "([^"]+)"/.exec(await program.state())?.[1];
  const before = await startedAt();

  await program.simulator.post(`/_sim/instances/${instanceId}/recycle`, {});
  await isMadeAnew(program);
  let said = "";
  // While it comes up it is told as drift, and nobody answers.
  do {
    const { code, stdout, stderr } = await program.pulumi("up", ["--skip-preview", "--refresh"]);
    said = stdout + stderr;
    if (code === 0) assert.doesNotMatch(said, /host key/);
  } while (!said.includes("VAST_ACCEPT_HOST_KEY"));
  assert.match(
    said,
    /shows another host key .*: SHA256:\S+ instead of SHA256:\S+\. Either its container was made anew/,
  );
  assert.doesNotMatch(said, /\n\s+at .*\.ts:\d+/, "no stack trace");
  assert.equal((await program.outputs()).hostKey, hostKey, "not silently taken");

  const [, fingerprint] = /VAST_ACCEPT_HOST_KEY=(\S+)/.exec(said) ?? [];
  program.env.VAST_ACCEPT_HOST_KEY = fingerprint;
  await program.works("up", ["--skip-preview"]);
  delete program.env.VAST_ACCEPT_HOST_KEY;
  const now = await program.outputs();
  assert.notEqual(now.hostKey, hostKey);
  assert.equal(now.instanceId, instanceId);
  assert.notEqual(await startedAt(), before, "so that every step runs again");
  await program.works("up", ["--skip-preview", "--expect-no-changes"]);
  await program.works("destroy");
});

test("whoever logs in (sync, logs, the gate) hears which key was known and which is shown", needsRoot, async (t) => {
  const { key } = temporaryHome(t);
  const { port, hostKey } = await sshd(t, key.publicKey);
  const known = (await sshd(t, key.publicKey)).hostKey;
  pinHostKey(key.knownHostsFile, 31415926, known);
  const ports = { "22/tcp": [{ HostPort: String(port) }] };
  const row = instance({ public_ipaddr: "127.0.0.1", ports, ssh_host: null });
  const client = { instances: async () => [row], instance: async () => row } as never;
  const access = { instanceId: 31415926, key, firstUse: true };
  await assert.rejects(liveEndpoint(client, access, { deadline: Date.now() + 1 }), ({ message }: Error) => {
    const [old, shown] = [known, hostKey].map(hostKeyFingerprint);
    assert.ok(message.includes(`${shown} instead of ${old}.`), message);
    return message.includes(`VAST_ACCEPT_HOST_KEY=${shown} before the command`);
  });
});
