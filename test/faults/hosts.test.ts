import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { test } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { openStateDir } from "../../components/lib/state-dir.ts";
import type { Endpoint } from "../../components/ssh/endpoint.ts";
import { dropLinesOf } from "../../components/ssh/line.ts";
import { type LoginResult, probe } from "../../components/ssh/probe.ts";
import { ownSshKey, type SshKey, sshArgs } from "../../components/ssh/ssh-key.ts";
import { market } from "../../components/vast/market/offers.ts";
import { quoteOf } from "../../components/vast/market/quote.ts";
import { connect } from "../../components/vast/ready/connect.ts";
import { type LiveOptions, liveEndpoint } from "../../components/vast/ready/live-endpoint.ts";
import { onstartScript } from "../../components/vast/ready/onstart.ts";
import { gpuFlawOf } from "../../components/vast/ready/proof.ts";
import { waitForSetUp } from "../../components/vast/ready/set-up.ts";
import { release } from "../../components/vast/rental/release.ts";
import { rent } from "../../components/vast/rental/rental.ts";
import { rentOrderOf } from "../../components/vast/rental/rental-request.ts";
import { ledger } from "../../simulator/index.ts";
import { happen } from "../../simulator/world/mishaps.ts";
import { notAll } from "../support/all.ts";
import { request } from "../support/request.ts";
import { simulate } from "../support/simulator.ts";
import { needsRoot } from "../support/sshd.ts";

/** A session on the machine; resolves when it has begun. */
async function session(id: number, { host, port }: Endpoint, key: SshKey) {
  const options = sshArgs({ ...key, port, instanceId: id });
  const words = [...options, "-n", "-T", `root@${host}`, "echo begun; sleep 60"];
  const ssh = spawn("ssh", words, { stdio: ["ignore", "pipe", "ignore"] });
  const ended = once(ssh, "close");
  for await (const chunk of ssh.stdout) if (String(chunk).includes("begun")) break;
  return { ended };
}

/** Ten times as fast as the clock on the wall: what is waited for is as real as before. */
const hurried: LiveOptions = {
  now: () => Date.now() * 10,
  sleep: (milliseconds, signal) => wait(milliseconds / 10, undefined, { signal }).catch(() => {}),
};

test("what can go wrong between ssh and a machine, with real machines", needsRoot, async (t) => {
  const { home, simulator } = await simulate(t, { hosts: "real", timings: { proxy: 0.3 } });
  process.env.VAST_TRAINING_HOME = home;
  const { world } = simulator;
  const said: string[] = [];
  const connected = await connect({ apiUrl: "simulator", apiKeyFile: "" });
  const means = { ...connected, say: async (text: string) => void said.push(text) };
  const key = ownSshKey(openStateDir(), "");
  const publicKeys = [key.publicKey];
  // Greets every session with words that look like answers, and has the key taken out of authorized_keys for a while.
  world.faults.add({ on: "boot", do: "bannerNoise" }, { on: "boot", do: "keyLate", seconds: 3 });
  const { instance, endpoint } = await rent(means, { ...request, publicKeys });
  const { id } = instance;
  const contract = world.contracts.get(id);
  assert.ok(contract);
  const access = { instanceId: id, key };
  const log = await means.client.logs(id, { tail: 20 });

  await t.test("a noisy login and a key that comes late are no reason to give a machine up", () => {
    assert.equal(world.contracts.all().length, 1, said.join("\n"));
    assert.ok(contract.order.onstart?.startsWith(onstartScript(publicKeys).slice(0, 100)), log);
  });

  await t.test("a key that the launcher takes out is put back by the machine itself", async () => {
    const attached = () => world.requests.filter((one) => one.endpoint === "POST /instances/{id}/ssh/").length;
    const before = attached();
    let refused: LoginResult;
    // It looks every ten seconds, so it may put the key back before anybody has come.
    do {
      happen(world, contract, "keysClobbered", {});
      await contract.work;
      dropLinesOf(id); // as another process, which has to log in
      refused = await probe(endpoint, access);
    } while (refused.ok);
    assert.equal(refused.reason, "denied");
    const found = await liveEndpoint(means.client, access, { deadline: Date.now() + 60_000 });
    assert.equal(found.hostKey, endpoint.hostKey);
    assert.equal(attached(), before, "nobody had to attach it");
  });

  await t.test("a session that breaks ends, and the next login works", async () => {
    const { ended } = await session(id, endpoint, key);
    happen(world, contract, "sshCut", {});
    const [code] = await ended;
    assert.equal(code, 255);
    assert.equal((await liveEndpoint(means.client, access)).hostKey, endpoint.hostKey);
  });

  await t.test("nvidia-smi tells of the GPU, and of a GPU that has fallen off", async () => {
    const { signal } = new AbortController();
    const well = await waitForSetUp(endpoint, access, signal);
    assert.ok(well !== false && well.hasFuse && well.gpus?.gpus === 1, JSON.stringify(well));
    assert.equal(gpuFlawOf(well.gpus, { gpus: 1 }), undefined);
    happen(world, contract, "gpuLost", {});
    await contract.work;
    const lost = await waitForSetUp(endpoint, access, signal);
    assert.ok(lost !== false && lost.gpus !== null);
    assert.match(
      gpuFlawOf(lost.gpus, { gpus: 1 })?.text ?? "",
      /nvidia-smi finds 0 of its 1 GPUs: Unable to determine .* lost/,
    );
    const report = await means.logins.report(id, signal);
    assert.match(report, /^\$ nvidia-smi\n.*lost[\s\S]*^\$ df -h\n[\s\S]*^\$ free -m/m);
  });

  await t.test("ports that move are found again, and the host key is the same", async () => {
    const before = contract.endpoints?.direct;
    world.faults.add({ on: "boot", do: "portChangesOnRestart" });
    happen(world, contract, "reboot", {});
    await contract.work;
    const found = await liveEndpoint(means.client, access, { deadline: Date.now() + 60_000 });
    assert.equal(found.hostKey, endpoint.hostKey);
    assert.notEqual(contract.endpoints?.direct, before);
    assert.equal(found.port, contract.endpoints?.[found.via]);
  });

  await t.test("a machine that was made anew is not let in, and it is said what that means", async () => {
    happen(world, contract, "recycle", {});
    const deadline = Number.POSITIVE_INFINITY;
    await assert.rejects(
      liveEndpoint(means.client, access, { ...hurried, deadline }),
      /shows another host key than the one pinned .*made anew.*files are lost.*nothing was sent to it/,
    );
  });

  await t.test("a rental of which nobody knows ends itself", { skip: notAll }, async () => {
    const [choice] = (await market(means.client, request.criteria)).choices;
    assert.ok(choice);
    // Three seconds, which it notices after twenty.
    const lost = { ...request, publicKeys, label: "", minutes: { machine: 0, total: -29.95 } };
    const order = rentOrderOf(lost, quoteOf(choice), means.client.apiUrl);
    const stray = await means.client.rent(choice.offerId, order);
    const isGone = () => !world.contracts.living().some((row) => row.id === stray);
    for (let looks = 0; !isGone(); looks++) {
      assert.ok(looks < 600, "it goes on billing");
      await wait(100);
    }
    const called = world.requests.filter(({ path }) => path.includes(`/instances/${stray}/`));
    assert.deepEqual(called.map(({ method }) => method).slice(-1), ["DELETE"]);
  });

  await t.test("what went over ssh is on the bill", async () => {
    const [line] = ledger(world).contracts;
    assert.ok(line && line.cost.traffic > 0 && line.traffic.upGb > 0);
    await release(means, id);
    assert.deepEqual(world.contracts.living(), []);
  });
});
