import assert from "node:assert/strict";
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { Clock } from "../../../../components/lib/clock.ts";
import { markOf, stateOf } from "../../../../components/programs/process.ts";
import type { SshKey } from "../../../../components/ssh/ssh-key.ts";
import type { VastClient } from "../../../../components/vast/client/client.ts";
import type { InstanceList } from "../../../../components/vast/client/instance-list.ts";
import type { Instance } from "../../../../components/vast/client/wire.ts";
import { realClock, realLogins } from "../../../../components/vast/ready/connect.ts";
import type { Logins, Means } from "../../../../components/vast/ready/means.ts";
import { awaitReady, type Failed } from "../../../../components/vast/ready/ready.ts";
import { instance } from "../../../support/rows.ts";
import { freePort, needsRoot, portThat, sshd, temporaryHome } from "../../../support/sshd.ts";

const WAIT_MS = 2500;
const never = () => new Promise<never>(() => {});

interface Waited {
  readonly key: SshKey;
  /** Default: the clock on the wall. */
  readonly clock?: Clock;
  /** Default: the real ones. */
  readonly logins?: Partial<Logins>;
}

/** How it ends to wait for a machine of which Vast says this, with the real ssh. */
async function failure(
  look: () => Promise<Instance[]>,
  { key, clock = realClock, logins = {} }: Waited,
): Promise<Failed> {
  const client = { instances: look, instance: never, attachKey: async () => {} } as unknown as VastClient;
  const means = {
    client,
    list: { look } as unknown as InstanceList,
    clock,
    logins: { ...realLogins(client, () => key), ...logins },
    engine: { signal: new AbortController().signal, alive: async () => true },
    progress: () => {},
  } as unknown as Means;
  const since = clock.now();
  const wanted = { gpu: null, gpus: 1, interruptible: true, maxPricePerHour: 99, diskGb: 1 };
  const outcome = await awaitReady(means, {
    ...{ id: ID, label: "l", publicKey: key.publicKey, wanted },
    ...{ since, deadline: since + WAIT_MS, stoppedMs: 5000 },
  });
  return outcome.ready ? assert.fail("it got ready") : outcome;
}

/** Time that is over when it is told, however long it takes here until then. */
function toldTime(t: TestContext) {
  const over = new AbortController();
  t.mock.method(AbortSignal, "timeout", () => over.signal);
  const now = () => realClock.now() + (over.signal.aborted ? WAIT_MS : 0);
  return { clock: { ...realClock, now }, end: () => over.abort() };
}

const ID = 31415926;
const at = (port: number): Instance => ({
  ...instance({ public_ipaddr: "127.0.0.1", ssh_host: "127.0.0.1" }),
  directPort: port,
  proxyPort: null,
});
const always = (port: number) => async () => [at(port)];

/** Runs it with a program of that text before all others. */
async function withProgram<T>(home: string, name: string, text: string, action: () => Promise<T>): Promise<T> {
  const { PATH } = process.env;
  const folder = join(home, "bin");
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

test("nothing is waited for longer than the whole wait, and it is said what it was, and how long", async (t) => {
  const connected = Promise.withResolvers<void>();
  const silent = await portThat(t, () => connected.resolve());
  const asked = Promise.withResolvers<void>();
  const hanging = () => {
    asked.resolve();
    return never();
  };
  const { clock, end } = toldTime(t);
  const { key } = temporaryHome(t);
  const waits = [failure(always(silent), { key, clock }), failure(hanging, { key, clock })] as const;
  await Promise.all([connected.promise, asked.promise]);
  end();
  const [mute, hung] = await Promise.all(waits);
  assert.equal(mute.cause, "late");
  assert.match(mute.text, /^not ready within 1 minute, it stood at 5\/6 ssh login for [1-9]\d* s$/);
  assert.equal(hung.cause, "unseen", "the machine is not at fault");
  assert.match(hung.text, /^not ready within 1 minute, it stood at Vast cannot be asked for [1-9]\d* s$/);
});

test("nor where each login is refused, or where its ways change all the time", {
  ...needsRoot,
  timeout: 60_000,
}, async (t) => {
  const silent = await portThat(t, () => {});
  const [{ key }, { key: another }] = [temporaryHome(t), temporaryHome(t)];
  const other = await sshd(t, another.publicKey);
  const dead = await freePort();
  let looks = 0;
  const flapping = async () => [at(looks++ % 2 === 0 ? dead : silent)];
  const [keyless, moving] = await Promise.all([failure(always(other.port), { key }), failure(flapping, { key })]);
  assert.match(keyless.text, /no login over ssh within \d+ s: direct .* denied|it stood at 5\/6 ssh login for \d+ s/);
  assert.match(moving.text, /no login over ssh within \d+ s: direct |it stood at 5\/6 ssh login for \d+ s/);
});

test("nor for a set-up that hangs, though the ssh here leaves a helper behind", async (t) => {
  const { key, path } = temporaryHome(t);
  const helper = join(path, "helper");
  const ssh = `#!/bin/sh
sleep 1000 & echo $! >'${helper}.new' && mv '${helper}.new' '${helper}'
exec sleep 1000`;
  const { clock, end } = toldTime(t);
  const login = async () => ({ host: "127.0.0.1", port: 9, via: "direct", hostKey: "ssh-ed25519 AAAA" }) as const;
  const hanging = await withProgram(path, "ssh", ssh, async () => {
    const waits = failure(always(9), { key, clock, logins: { login } });
    while (!existsSync(helper)) await sleep(10);
    const pid = Number(readFileSync(helper, "utf8"));
    t.after(() => void process.kill(pid, "SIGKILL"));
    end();
    return { ...(await waits), helper: stateOf(markOf(pid)) };
  });
  assert.match(hanging.text, /^its set-up did not run within [1-9]\d* s$/);
  assert.equal(hanging.helper, "running");
});
