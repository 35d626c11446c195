import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { watchPace } from "../../../../components/checkpoints/copy/pace.ts";
import { passGate } from "../../../../components/checkpoints/gate.ts";
import { pullCheckpoints } from "../../../../components/checkpoints/pull.ts";
import { pinHostKey } from "../../../../components/ssh/known-hosts.ts";
import { isRemoteError, type RemoteError } from "../../../../components/ssh/remote-error.ts";
import { runScript } from "../../../../components/ssh/run-script.ts";
import { converse } from "../../../../components/steps/converse.ts";
import type { VastClient } from "../../../../components/vast/client/client.ts";
import { instance } from "../../../support/rows.ts";
import { needsRoot, sshd, temporaryHome } from "../../../support/sshd.ts";

/** A copy comes a byte at a time, and keeps its connection alive; everything else is answered honestly. */
const TRICKLING_COPY = `
case $SSH_ORIGINAL_COMMAND in rsync*) ;; *) exec bash -c "$SSH_ORIGINAL_COMMAND" ;; esac
bash -c "$SSH_ORIGINAL_COMMAND" | python3 -uc '
import os, time
while some := os.read(0, 1):
    os.write(1, some)
    time.sleep(0.002)
'`;

/** A machine on loopback whose sshd runs this, whatever is asked for; it has one checkpoint of 5 MB. */
async function openScene(t: TestContext, forced: string) {
  const home = temporaryHome(t);
  const root = mkdtempSync(join(tmpdir(), "pace-"));
  t.after(() => rmSync(root, { recursive: true, force: true }));
  writeFileSync(join(root, "forced"), `#!/bin/bash\n${forced}\n`, { mode: 0o700 });
  const { port, hostKey } = await sshd(t, home.key.publicKey, { ForceCommand: join(root, "forced") });
  pinHostKey(home.key.knownHostsFile, 7, hostKey);
  const [from, to] = [join(root, "machine"), join(root, "home", "local", "7")];
  mkdirSync(from);
  writeFileSync(join(from, "last.pt"), randomBytes(5_000_000));
  return { root, from, to, instanceId: 7, endpoint: { host: "127.0.0.1", port }, key: home.key };
}

/** Programs of this machine that talk to that port. */
function talkingTo(port: number): string[] {
  const lines = globSync("/proc/[0-9]*/cmdline").map((file) => {
    try {
      return readFileSync(file, "utf8").split("\0").join(" ");
    } catch {
      return ""; // it has ended
    }
  });
  return lines.filter((line) => /\b(ssh|rsync)\b/.test(line) && line.includes(`-p ${port} `));
}

async function nothingTalksTo(port: number): Promise<void> {
  for (let looks = 0; talkingTo(port).length > 0; looks++) {
    assert.ok(looks < 600, talkingTo(port).join("\n"));
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

const stalls = (error: unknown) => isRemoteError(error, "stalling") && /the host is stalling/.test(error.message);

test("each span of time must bring its bytes, whatever came before", (t) => {
  t.mock.timers.enable({ apis: ["setInterval"] });
  let come = 10_000_000;
  const errors: RemoteError[] = [];
  const stop = watchPace(
    { bytes: 1_000_000, ms: 300_000 },
    () => come,
    (error) => errors.push(error),
  );
  come += 1_000_000;
  t.mock.timers.tick(300_000);
  assert.equal(errors.length, 0);
  come += 999_999;
  t.mock.timers.tick(300_000);
  assert.match(errors[0]?.message ?? "", /999999 bytes came within 300 s, and 1000000 are the least/);
  stop();
  t.mock.timers.tick(900_000);
  assert.equal(errors.length, 1);
});

test("a copy that trickles is given up, and leaves nothing that runs", needsRoot, async (t) => {
  const scene = await openScene(t, TRICKLING_COPY);
  await assert.rejects(pullCheckpoints({ ...scene, pace: { bytes: 1_000_000, ms: 700 } }), stalls);
  await nothingTalksTo(scene.endpoint.port);
});

test("a script that says something all the time has its limit, alone and in a conversation", needsRoot, async (t) => {
  const scene = await openScene(t, "while :; do echo on and on || exit; sleep 0.05; done");
  const machine = { ...scene, limitMs: 400 };
  await assert.rejects(runScript(machine, ""), stalls);
  await assert.rejects(
    converse(machine, "", async () => {}),
    stalls,
  );
  await nothingTalksTo(scene.endpoint.port);
});

test("the gate names the host as stalling, and what ends the bill", needsRoot, async (t) => {
  const scene = await openScene(t, TRICKLING_COPY);
  const { instanceId, root, from, to, key } = scene;
  const ports = { "22/tcp": [{ HostIp: "0.0.0.0", HostPort: String(scene.endpoint.port) }] };
  const there = instance({ id: 7, public_ipaddr: "127.0.0.1", ports, ssh_host: null, ssh_port: null });
  const client = { instance: async () => there, instances: async () => [there] } as unknown as VastClient;
  const workspace = join(root, "workspace");
  mkdirSync(join(workspace, ".vast-training"), { recursive: true });
  const own = { instanceId, from, to, workspace, stopGraceSeconds: 1, pricePerHour: 9, rescueBudget: 1, begun: true };
  const world = {
    connect: () => ({ client, key }),
    means: async () => assert.fail("it runs"),
    discard: undefined,
    progress: () => {},
    say: () => {},
    patience: 5000,
  };
  await assert.rejects(passGate({ ...own, pace: { bytes: 1_000_000, ms: 700 } }, world), ({ message }: Error) => {
    assert.match(
      message,
      /instance 7 is kept, because its checkpoints are not home: the host is stalling: \d+ bytes came/,
    );
    assert.match(message, /VAST_DISCARD_CHECKPOINTS=7 pulumi destroy ends the bill at once/);
    assert.match(message, /vastai stop instance 7/);
    return true;
  });
});
