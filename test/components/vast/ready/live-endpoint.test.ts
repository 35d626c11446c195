import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate } from "node:timers/promises";
import type { Endpoint } from "../../../../components/ssh/endpoint.ts";
import { hostKeyFingerprint, pinHostKey } from "../../../../components/ssh/known-hosts.ts";
import type { LoginFailure, LoginResult, probe } from "../../../../components/ssh/probe.ts";
import type { SshKey } from "../../../../components/ssh/ssh-key.ts";
import type { VastClient } from "../../../../components/vast/client/client.ts";
import { isVastError } from "../../../../components/vast/client/errors.ts";
import type { Instance } from "../../../../components/vast/client/wire.ts";
import { liveEndpoint } from "../../../../components/vast/ready/live-endpoint.ts";
import { instance } from "../../../support/rows.ts";
import { freePort, needsRoot, portThat, sshd, temporaryHome } from "../../../support/sshd.ts";

const ID = 31415926;
const at = (port: number, via: Endpoint["via"] = "direct"): Endpoint => ({ host: "127.0.0.1", port, via });
const access = (key: SshKey, firstUse = true) => ({ instanceId: ID, key, firstUse });

/** Time that only sleeping moves; sleeping lets everything else have its turn. */
function handClock() {
  let time = 0;
  const sleep = async (milliseconds: number) => {
    await setImmediate();
    time += milliseconds;
  };
  return { now: () => time, sleep };
}

/** A client that knows these instances, one after the other; the last stays. */
function knowing(...views: (Instance | undefined)[]): VastClient {
  const next = () => (views.length > 1 ? views.shift() : views[0]);
  const known = {
    instance: async () => undefined,
    instances: async () => [next()].filter((view) => view !== undefined),
  };
  return known as unknown as VastClient;
}

const running = (direct: number | null, proxy: number | null): Instance => ({
  ...instance({ public_ipaddr: "127.0.0.1", ssh_host: "127.0.0.1" }),
  directPort: direct,
  proxyPort: proxy,
});

test("takes the direct port, or the relay when the direct port is dead", needsRoot, async (t) => {
  const { key } = temporaryHome(t);
  const server = await sshd(t, key.publicKey);
  const dead = await freePort();
  const direct = await liveEndpoint(knowing(running(server.port, dead)), access(key));
  assert.deepEqual(direct, { ...at(server.port), hostKey: server.hostKey });
  const proxy = await liveEndpoint(knowing(running(dead, server.port)), access(key));
  assert.deepEqual(proxy, { ...at(server.port, "proxy"), hostKey: server.hostKey });
});

test("what Vast has just shown is tried at once; Vast is asked when that does not work", needsRoot, async (t) => {
  const { key } = temporaryHome(t);
  const server = await sshd(t, key.publicKey);
  const nobody = {
    instances: async () => assert.fail("Vast was asked"),
    instance: async () => assert.fail("Vast was asked"),
  } as unknown as VastClient;
  const seen = running(server.port, null);
  assert.equal((await liveEndpoint(nobody, access(key), { seen })).port, server.port);
  const moved = knowing(running(server.port, null));
  const old = running(await freePort(), null);
  const patience = { ...handClock(), deadline: Number.POSITIVE_INFINITY };
  assert.equal((await liveEndpoint(moved, access(key), { seen: old, ...patience })).port, server.port);
});

test("a direct port that says nothing does not hold up the relay", needsRoot, async (t) => {
  const { key } = temporaryHome(t);
  const server = await sshd(t, key.publicKey);
  const silent = await portThat(t, () => {});
  const found = await liveEndpoint(knowing(running(silent, server.port)), access(key));
  assert.equal(found.via, "proxy");
});

test("reads the endpoints again until they let us in", needsRoot, async (t) => {
  const { key } = temporaryHome(t);
  const server = await sshd(t, key.publicKey);
  const dead = await freePort();
  const client = knowing(running(null, null), running(dead, null), running(server.port, null));
  const attempts: string[] = [];
  const found = await liveEndpoint(client, access(key), {
    ...handClock(),
    deadline: Number.POSITIVE_INFINITY,
    onAttempt: (attempt) => attempts.push(attempt.ok ? "ok" : attempt.reason),
  });
  assert.equal(found.port, server.port);
  assert.equal(attempts[0], "refused");
});

test("says what each endpoint said last when nobody lets us in", async (t) => {
  const { key } = temporaryHome(t);
  const dead = await freePort();
  const looking = liveEndpoint(knowing(running(dead, dead)), access(key), { ...handClock(), deadline: 1200 });
  await assert.rejects(looking, (error) => {
    assert.ok(isVastError(error, "no_login"));
    assert.match(error.message, /direct 127\.0\.0\.1:\d+ refused .*; proxy 127\.0\.0\.1:\d+ refused/);
    return true;
  });
});

test("does not wait for an instance that is gone or stopped", async (t) => {
  const { key } = temporaryHome(t);
  await assert.rejects(liveEndpoint(knowing(undefined), access(key)), (error) =>
    isVastError(error, "no_such_instance"),
  );
  const outbid = instance({
    actual_status: "exited",
    intended_status: "stopped",
    cur_state: "stopped",
    next_state: "stopped",
  });
  await assert.rejects(liveEndpoint(knowing(outbid), access(key)), (error) => isVastError(error, "not_running"));
});

/** Each attempt ends like this, and takes a second. */
const always =
  (sleep: (milliseconds: number) => Promise<void>, reason: LoginFailure): typeof probe =>
  async (endpoint) => {
    await sleep(1000);
    return { ok: false, endpoint, reason, text: "as ssh says it" };
  };

test("a machine that shows another host key everywhere is not waited for, and it is said what that means", async (t) => {
  const { key } = temporaryHome(t);
  const { now, sleep } = handClock();
  pinHostKey(key.knownHostsFile, ID, "ssh-ed25519 AAAA");
  const strange = always(sleep, "host_key_changed");
  const looking = liveEndpoint(knowing(running(41, 42)), access(key), {
    now,
    sleep,
    deadline: 300_000,
    probe: async (...call) => ({ ...(await strange(...call)), shown: "ssh-ed25519 BBBB" }) as LoginResult,
  });
  await assert.rejects(looking, (error: Error) => {
    assert.ok(isVastError(error, "no_login"));
    assert.match(
      error.message,
      /shows another host key .*\(direct 127.0.0.1:41, proxy 127.0.0.1:42\): .*files are lost/,
    );
    const [known, shown] = ["AAAA", "BBBB"].map((text) => hostKeyFingerprint(`ssh-ed25519 ${text}`));
    assert.ok(error.message.includes(`: ${shown} instead of ${known}. `), error.message);
    assert.ok(error.message.includes(`putting VAST_ACCEPT_HOST_KEY=${shown} before`), error.message);
    return true;
  });
  assert.ok(now() < 100_000, "long before the deadline");
});

test("one way that leads elsewhere is no reason to give up the other", async (t) => {
  const { key } = temporaryHome(t);
  const { now, sleep } = handClock();
  const [strange, closed] = [always(sleep, "host_key_changed"), always(sleep, "refused")];
  const looking = liveEndpoint(knowing(running(41, 42)), access(key), {
    now,
    sleep,
    deadline: 100_000,
    probe: (endpoint, ...more) => (endpoint.via === "direct" ? strange : closed)(endpoint, ...more),
  });
  await assert.rejects(
    looking,
    /no login over ssh within 1 min: direct 127.0.0.1:41 host_key_changed .*; proxy .* refused/,
  );
  assert.ok(now() > 90_000);
});

test("can be called off", async (t) => {
  const { key } = temporaryHome(t);
  const dead = await freePort();
  const off = new AbortController();
  const looking = liveEndpoint(knowing(running(dead, null)), access(key), {
    signal: off.signal,
    onAttempt: () => off.abort(),
  });
  await assert.rejects(looking, (error) => isVastError(error, "aborted"));
});
