import assert from "node:assert/strict";
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import type { VastClient } from "../../../../components/vast/client/client.ts";
import type { InstanceList } from "../../../../components/vast/client/instance-list.ts";
import type { Instance } from "../../../../components/vast/client/wire.ts";
import { realClock, realLogins } from "../../../../components/vast/ready/connect.ts";
import type { Means } from "../../../../components/vast/ready/means.ts";
import { awaitReady, type Failed } from "../../../../components/vast/ready/ready.ts";
import { instance } from "../../../support/rows.ts";
import { freePort, needsRoot, portThat, sshd, temporaryHome } from "../../../support/sshd.ts";

const WAIT_MS = 2500;
const never = () => new Promise<never>(() => {});

/** How it ends to wait for a machine of which Vast says this, by the clock on the wall, with the real ssh. */
async function failure(t: TestContext, look: () => Promise<Instance[]>, { key } = temporaryHome(t)): Promise<Failed> {
  const client = { instances: look, instance: never, attachKey: async () => {} } as unknown as VastClient;
  const means = {
    client,
    list: { look } as unknown as InstanceList,
    clock: realClock,
    logins: realLogins(client, () => key),
    engine: { signal: new AbortController().signal, alive: async () => true },
    progress: () => {},
  } as unknown as Means;
  const since = realClock.now();
  const wanted = { gpu: null, gpus: 1, interruptible: true, maxPricePerHour: 99, diskGb: 1 };
  const outcome = await awaitReady(means, {
    ...{ id: ID, label: "l", publicKey: key.publicKey, wanted },
    ...{ since, deadline: since + WAIT_MS, stoppedMs: 5000 },
  });
  return outcome.ready ? assert.fail("it got ready") : outcome;
}

const ID = 31415926;
const at = (port: number): Instance => ({
  ...instance({ public_ipaddr: "127.0.0.1", ssh_host: "127.0.0.1" }),
  directPort: port,
  proxyPort: null,
});
const always = (port: number) => async () => [at(port)];

/** Runs it with a program of that text before all others. */
async function withProgram<T>(t: TestContext, name: string, text: string, action: () => Promise<T>): Promise<T> {
  const { PATH } = process.env;
  const folder = join(temporaryHome(t).path, "bin");
  mkdirSync(folder);
  writeFileSync(join(folder, name), text);
  chmodSync(join(folder, name), 0o755);
  process.env.PATH = `${folder}:${PATH}`;
  try {
    return await action();
  } finally {
    process.env.PATH = PATH;
  }
}

test("nothing is waited for longer than the whole wait, and it is said what it was, and how long", {
  ...needsRoot,
  timeout: 60_000,
}, async (t) => {
  const silent = await portThat(t, () => {});
  const other = await sshd(t, temporaryHome(t).key.publicKey);
  const dead = await freePort();
  let looks = 0;
  const flapping = async () => [at(looks++ % 2 === 0 ? dead : silent)];
  const [mute, keyless, moving, hung] = await Promise.all([
    failure(t, always(silent)),
    failure(t, always(other.port)),
    failure(t, flapping),
    failure(t, never),
  ]);
  assert.equal(mute.cause, "late");
  assert.match(mute.text, /^not ready within 1 minute, it stood at 5\/6 ssh login for [1-9]\d* s$/);
  assert.match(keyless.text, /no login over ssh within \d+ s: direct .* denied|it stood at 5\/6 ssh login for \d+ s/);
  assert.match(moving.text, /no login over ssh within \d+ s: direct |it stood at 5\/6 ssh login for \d+ s/);
  assert.equal(hung.cause, "unseen", "the machine is not at fault");
  assert.match(hung.text, /^not ready within 1 minute, it stood at Vast cannot be asked for [1-9]\d* s$/);
});

test("nor for a set-up that hangs, though the ssh here leaves a helper behind", {
  ...needsRoot,
  timeout: 60_000,
}, async (t) => {
  const home = temporaryHome(t);
  const server = await sshd(t, home.key.publicKey);
  const ssh = `#!/bin/sh
case "$*" in *nvidia-smi*) sleep 55 & sleep 55 ;; *) PATH=${process.env.PATH} exec ssh "$@" ;; esac`;
  const hanging = await withProgram(t, "ssh", ssh, () => failure(t, always(server.port), home));
  assert.match(hanging.text, /^its set-up did not run within [1-9]\d* s$/);
});
