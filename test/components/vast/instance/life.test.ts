import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { openStateDir } from "../../../../components/lib/state-dir.ts";
import { Journal } from "../../../../components/vast/journal/journal.ts";
import type { SimulatorProcess } from "../../../../scripts/lib/simulator.ts";
import { notAll } from "../../../support/all.ts";
import { openProgram, type Program } from "../../../support/program.ts";

async function calls(simulator: SimulatorProcess): Promise<string[]> {
  const requests = (await simulator.get("/_sim/requests")) as { endpoint: string; status: number }[];
  assert.deepEqual(
    requests.filter(({ status }) => status === 429),
    [],
  );
  return requests.map(({ endpoint }) => endpoint);
}

async function living({ simulator }: Program) {
  const { contracts } = await simulator.ledger();
  return contracts.filter(({ destroyedAt }) => destroyedAt === null);
}

function asOwner({ url, apiKey }: SimulatorProcess, id: string, more: RequestInit = {}): Promise<Response> {
  const headers = { authorization: `Bearer ${apiKey}`, "content-type": "application/json" };
  return fetch(`${url}/api/v0/instances/${id}/`, { headers, ...more });
}

async function labelByHand(simulator: SimulatorProcess, id: string, label: string): Promise<void> {
  const { status } = await asOwner(simulator, id, { method: "PUT", body: JSON.stringify({ label }) });
  assert.equal(status, 200);
}

/** Where the machine answers directly; undefined = nowhere now. */
async function portOf(simulator: SimulatorProcess, id: string): Promise<number | undefined> {
  const { instances } = (await (await asOwner(simulator, id)).json()) as { instances: { ports: Ports | null } };
  const port = instances.ports?.["22/tcp"]?.[0]?.HostPort;
  return port === undefined ? undefined : Number(port);
}

type Ports = Record<string, { HostPort: string }[]>;

/** Vast wants two seconds between two looks. */
async function until<T>(look: () => Promise<T | undefined>): Promise<T> {
  for (;;) {
    const seen = await look().catch(() => undefined);
    if (seen !== undefined) return seen;
    await new Promise((resolve) => setTimeout(resolve, 2200));
  }
}

interface StateOfInstance {
  readonly type: string;
  readonly id: string;
  readonly outputs: Readonly<Record<string, unknown>>;
}

async function instanceIn(program: Program): Promise<StateOfInstance | undefined> {
  const { deployment } = JSON.parse(await program.state()) as { deployment: { resources: StateOfInstance[] } };
  return deployment.resources.find(({ type }) => type === "pulumi-nodejs:dynamic:Instance");
}

test("preview, up, a new cap, outbid, a machine that vanishes, destroy", { skip: notAll }, async (t) => {
  const program = await openProgram(t);
  const { simulator } = program;

  await t.test("a preview prints the quote, on the row too, and rents nothing", async () => {
    const text = await program.works("preview");
    assert.match(text, /quote +: \{\n +bidPerHour +: \d/);
    assert.match(text, /instance \(?.*1x H100 SXM in .*bid \$\d\.\d{3}\/h \(on demand \$\d\.\d{3}\/h\) and disk/);
    assert.deepEqual(await living(program), []);
    assert.ok((await calls(simulator)).length <= 4);
  });

  await t.test("up rents what was quoted, with few calls, and leaves no intent open", async () => {
    const began = Date.now();
    await program.works("up", ["--skip-preview"]);
    const seconds = (Date.now() - began) / 1000;
    const { quote, ...outputs } = (await program.outputs()) as Record<string, unknown> & { quote: { offerId: number } };
    assert.equal(outputs.offerId, String(quote.offerId));
    assert.equal(outputs.phase, "ready");
    assert.match(String(outputs.hostKey), /^ssh-ed25519 \S+$/);
    assert.match(String(outputs.label), /^vt-[a-z0-9]{8}-tiny-dev-run-[0-9a-f]{10}$/);
    const [machine, ...others] = await living(program);
    assert.deepEqual([String(machine?.id), machine?.isBid, others], [outputs.instanceId, true, []]);
    const made = await calls(simulator);
    const looks = made.filter((endpoint) => endpoint === "GET /api/v1/instances/").length;
    // The longer it takes to come up, the more often it is looked at, once a second at the most.
    assert.ok(looks <= 2 + seconds && made.length - looks < 15, `${looks} looks in ${seconds} s: ${made}`);
    const { journalDir } = openStateDir({ VAST_TRAINING_HOME: program.home });
    assert.deepEqual(new Journal(journalDir).listOpen(), []);
  });

  await t.test("the state holds no secret", async () => {
    const state = await program.state();
    const privateKey = readFileSync(join(program.home, "ssh", "id_ed25519"), "utf8").split("\n")[1] ?? "";
    assert.ok(!state.includes(simulator.apiKey) && !state.includes(privateKey));
  });

  await t.test("a market that moves shows no change", async () => {
    await simulator.post("/_sim/market", { factor: 1.05 });
    assert.match(await program.works("preview"), /4 unchanged/);
  });

  await t.test("nor does a base that hosts may have", async () => {
    const cachedBase = `vastai/pytorch@sha256:${"0".repeat(64)}`;
    assert.match(await program.works("preview", [], { cachedBase }), /4 unchanged/);
    await program.works("up", ["--skip-preview", "--expect-no-changes"], { cachedBase });
    assert.match(await program.works("preview"), /4 unchanged/, "nor that it is named no more");
  });

  await t.test("a refusal is not an answer to a refresh", async () => {
    const before = await program.outputs();
    await simulator.post("/_sim/faults", { on: "GET /instances/{id}/", do: "authError404" });
    assert.notEqual((await program.pulumi("refresh")).code, 0);
    assert.equal((await instanceIn(program))?.id, before.instanceId);
  });

  await t.test("another label, another port: told by up, shown by refresh, set right by the up after it", async () => {
    const before = await program.outputs();
    const id = String(before.instanceId);
    await labelByHand(simulator, id, "by other hands");
    await simulator.post("/_sim/faults", { on: "boot", do: "portChangesOnRestart" });
    await simulator.post(`/_sim/instances/${id}/reboot`, {});
    const moved = await until(async () => {
      const port = await portOf(simulator, id);
      return port === before.sshPort ? undefined : port;
    });
    const told = await program.works("up", ["--skip-preview"]);
    assert.match(told, /carries the label by other hands instead of vt-\S+; pulumi up --refresh sets it back/);
    assert.match(told, /answers at \S+ now; pulumi up --refresh follows it/);
    const shown = await program.works("refresh", ["--diff"]);
    assert.match(shown, /label +: "vt-\S+" => "by other hands"/);
    assert.match(shown, new RegExp(`sshPort +: ${before.sshPort} => ${moved}`));
    assert.match(shown, new RegExp(`answers at \\S+:${moved} now`));
    await program.works("up", ["--skip-preview"]);
    const after = await program.outputs();
    assert.deepEqual([after.instanceId, after.label], [id, before.label]);
    assert.equal(after.sshPort, moved);
    assert.equal((await living(program))[0]?.label, before.label);
  });

  await t.test("a preview of a new cap lists the bid alone, and up changes it in place", async () => {
    const [before] = await living(program);
    const cap = { maxPricePerHour: 1 };
    assert.match(
      await program.works("preview", [], cap),
      /~ +pulumi-nodejs:dynamic:Bid bid update[\s\S]*~ 1 to update\s+3 unchanged/,
    );
    await program.works("up", ["--skip-preview"], cap);
    const [after, ...others] = await living(program);
    assert.deepEqual([after?.id, others], [before?.id, []]);
    const [row] = (await simulator.ledger()).contracts as unknown as { ratePerHour: number }[];
    assert.ok((row?.ratePerHour ?? 9) <= 1);
  });

  await t.test("a refresh tells of an outbid machine and keeps it, and the next up bids for it again", async () => {
    const before = await program.outputs();
    await simulator.post(`/_sim/instances/${before.instanceId}/outbid`, { perHour: 1.5 });
    assert.match(await program.works("refresh", ["--diff"]), /phase +: "ready" => "stopped"/);
    const kept = await instanceIn(program);
    assert.deepEqual([kept?.id, kept?.outputs.phase], [before.instanceId, "stopped"]);
    await program.works("up", ["--skip-preview"]);
    const after = await program.outputs();
    assert.deepEqual([after.phase, after.instanceId], ["ready", before.instanceId]);
    assert.ok(Number(after.bidPerHour) > 1.5);
    // Stopped by its host, when the market lists our own bid by now.
    await simulator.post(`/_sim/instances/${before.instanceId}/stop`, {});
    await program.works("up", ["--refresh", "--skip-preview"]);
    assert.deepEqual((await program.outputs()).bidPerHour, after.bidPerHour);
  });

  await t.test("a machine that others have destroyed: told by up, rented anew with --refresh", async () => {
    const before = await program.outputs();
    await simulator.post(`/_sim/instances/${before.instanceId}/vanish`, {});
    const gone = await program.pulumi("up", ["--skip-preview"]);
    assert.notEqual(gone.code, 0);
    assert.match(gone.stdout + gone.stderr, /is gone at Vast; pulumi up --refresh rents a new one/);
    await program.works("up", ["--refresh", "--skip-preview"]);
    const after = await program.outputs();
    assert.notEqual(after.instanceId, before.instanceId);
    assert.equal(after.label, before.label);
    assert.deepEqual(
      (await living(program)).map(({ id }) => String(id)),
      [after.instanceId],
    );
  });

  await t.test("one that is outbid beyond the cap is told of, and bid for by nobody", async () => {
    const { instanceId } = await program.outputs();
    await simulator.post(`/_sim/instances/${instanceId}/outbid`, { perHour: 1.5 });
    assert.match(
      await program.works("preview", [], { maxPricePerHour: 1 }),
      /stopped: outbid, its GPUs take \$1\.\d{3}\/h now and \$\d\.\d{3}\/h is bid, and its disk goes on costing \$\d\.\d{3}\/h; pulumi up --refresh/,
    );
    await program.works("refresh");
    const poor = await program.pulumi("up", ["--skip-preview"], { maxPricePerHour: 1 });
    assert.notEqual(poor.code, 0);
    assert.match(
      poor.stdout,
      /is outbid: it takes \$1\.\d{3}\/h with its disk now, and maxPricePerHour is \$1\.000\/h/,
    );
  });

  await t.test("another number of GPUs: the old machine goes before the new one comes", async () => {
    // It is stopped, so nobody can see what is on it.
    program.env.VAST_DISCARD_CHECKPOINTS = String((await program.outputs()).instanceId);
    await program.works("up", ["--skip-preview"], { gpus: 2, maxPricePerHour: 7 });
    delete program.env.VAST_DISCARD_CHECKPOINTS;
    const { contracts } = await simulator.ledger();
    const [old, next] = contracts.slice(-2) as unknown as { destroyedAt: number; createdAt: number; gpus: number }[];
    assert.equal(next?.gpus, 2);
    assert.ok(old !== undefined && next !== undefined && old.destroyedAt <= next.createdAt);
  });

  await t.test("nothing fits: says why, and rents nothing", async () => {
    const count = (await simulator.ledger()).contracts.length;
    const result = await program.pulumi("up", ["--skip-preview"], { gpus: 1, maxPricePerHour: 0.1 });
    assert.notEqual(result.code, 0);
    assert.match(result.stdout + result.stderr, /maxPricePerHour.* has a problem: none of \d+ offers of H100 SXM/);
    assert.equal((await simulator.ledger()).contracts.length, count);
    assert.equal((await living(program)).length, 1);
  });

  await t.test("destroy leaves nothing", async () => {
    await program.works("destroy");
    assert.deepEqual(await living(program), []);
    assert.deepEqual(readdirSync(join(program.home, "journal")), []);
  });
});
