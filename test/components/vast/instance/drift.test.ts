import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { type Instance, instanceFromWire } from "../../../../components/vast/client/wire.ts";
import { driftOf, plainLines } from "../../../../components/vast/instance/drift.ts";
import {
  type CheckedInputs,
  type InstanceOutputs,
  outputsOf,
  refreshed,
} from "../../../../components/vast/instance/instance.outputs.ts";
import { planOf } from "../../../../components/vast/instance/plan.ts";
import { criteria, label, request } from "../../../support/request.ts";
import { type Bench, openBench } from "../../../support/simulator.ts";

const api = { apiUrl: "simulator", apiKeyFile: "" };
const inputs: CheckedInputs = {
  ...criteria,
  ...api,
  label,
  image: "pytorch/pytorch:2.4.0",
  diskGb: 100,
  publicKeys: request.publicKeys,
  sshKeyFile: "",
  readyTimeoutMinutes: { machine: 30, total: 60 },
  quote: null,
};

/** A machine that is rented and ready, in the state. */
async function rented(t: TestContext, order: Record<string, unknown>) {
  const bench = await openBench(t);
  const offer = order.price === null ? { type: "on-demand" } : {};
  const id = await bench.rent({ label, ...order }, offer);
  await bench.clock.advance(60);
  const before = await seen(bench, id);
  assert.ok(before);
  const rental = order.price === null ? ("on-demand" as const) : ("interruptible" as const);
  const asked = { ...inputs, rental, maxPricePerHour: (before.totalPerHour ?? 0) * 1.05 };
  const endpoint = { via: "direct" as const, host: before.publicIp ?? "", port: before.directPort ?? 0, hostKey: "k" };
  return { bench, id, asked, state: outputsOf(before, asked, { endpoint, startedAt: "then" }) };
}

async function seen({ instance }: Bench, id: number): Promise<Instance | undefined> {
  return instanceFromWire(await instance(id));
}

interface Case {
  readonly what: string;
  readonly order?: Record<string, unknown>;
  happens(bench: Bench, id: number): Promise<unknown>;
  /** What a refresh changes in the outputs. */
  readonly shows: Partial<InstanceOutputs> | ((changed: Partial<InstanceOutputs>) => void);
  /** What a run says that does not refresh; undefined = nothing. */
  readonly says: RegExp | undefined;
  /** Whether the run after the refresh does something to the instance. */
  readonly acts: boolean;
}

const mishap =
  (name: string, body: object = {}) =>
  async (bench: Bench, id: number) => {
    const { status, text } = await bench.ask("POST", `/_sim/instances/${id}/${name}`, body, null);
    assert.equal(status, 200, text);
  };
const put = (body: object) => (bench: Bench, id: number) => bench.ask("PUT", `/api/v0/instances/${id}/`, body);

const cases: Case[] = [
  {
    what: "an instance that is outbid",
    happens: mishap("outbid"),
    shows: { phase: "stopped" },
    says: /^instance \d+: stopped: outbid, .*; pulumi up --refresh starts it again$/,
    acts: true,
  },
  {
    what: "one displaced by a rental on demand",
    happens: mishap("preempt"),
    shows: { phase: "stopped" },
    says: /^instance \d+: stopped: .*; pulumi up --refresh starts it again$/,
    acts: true,
  },
  {
    what: "one stopped by the platform",
    order: { price: null },
    happens: mishap("stop"),
    shows: { phase: "stopped" },
    says: /^instance \d+: stopped, and its disk goes on costing \$0\.\d+\/h; pulumi up --refresh starts it again$/,
    acts: true,
  },
  {
    what: "one whose container has ended",
    happens: mishap("crash"),
    shows: { phase: "stopped" },
    says: /^instance \d+: the container has exited.*; pulumi up --refresh starts it again$/,
    acts: true,
  },
  {
    what: "one whose rental has ended by its date",
    happens: mishap("expire"),
    shows: ({ phase }) => assert.equal(phase, "stopped"),
    says: /^instance \d+: stopped.*; pulumi up --refresh starts it again$/,
    acts: true,
  },
  {
    what: "one that is dearer than the cap",
    order: { price: null },
    happens: mishap("priceRise", { factor: 1.5 }),
    shows: (changed) => {
      assert.deepEqual(Object.keys(changed), ["pricePerHour"], "not what dependents see");
    },
    says: /^instance \d+ costs \$[\d.]+\/h now, more than maxPricePerHour \$[\d.]+\/h; pulumi destroy ends it$/,
    acts: false,
  },
  {
    what: "one that is dearer, and within the cap",
    order: { price: null },
    happens: mishap("priceRise", { factor: 1.01 }),
    shows: (changed) => {
      assert.deepEqual(Object.keys(changed), ["pricePerHour"]);
    },
    says: undefined,
    acts: false,
  },
  {
    what: "one labelled by other hands",
    happens: put({ label: "mine" }),
    shows: { label: "mine" },
    says: new RegExp(`^instance \\d+ carries the label mine instead of ${label}; pulumi up --refresh sets it back$`),
    acts: true,
  },
  {
    what: "one whose label is taken away",
    happens: put({ label: "" }),
    shows: { label: "" },
    says: /^instance \d+ carries the label \(none\) instead of vt-/,
    acts: true,
  },
  {
    what: "one restarted with other ports",
    happens: async (bench, id) => {
      await bench.ask("POST", "/_sim/faults", { on: "boot", do: "portChangesOnRestart" }, null);
      await mishap("reboot")(bench, id);
    },
    shows: (changed) => {
      assert.deepEqual(Object.keys(changed), ["sshPort"]);
    },
    says: /^instance \d+ answers at [\d.]+:\d+ now; pulumi up --refresh follows it$/,
    acts: false,
  },
  {
    what: "one whose host has stopped reporting",
    happens: mishap("unknown"),
    shows: { phase: "unknown" },
    says: /^instance \d+: the host has stopped reporting; pulumi up --refresh waits for it, pulumi destroy ends it$/,
    acts: true,
  },
  {
    what: "one whose host is offline",
    happens: mishap("offline"),
    shows: { phase: "offline" },
    says: /^instance \d+: the host is offline; pulumi up --refresh waits for it/,
    acts: true,
  },
];

for (const { what, order = {}, happens, shows, says, acts } of cases) {
  test(`${what}: a refresh shows it, a run without one says it, and the run after one does what is due`, async (t) => {
    const { bench, id, asked, state } = await rented(t, order);
    const most = asked.maxPricePerHour;
    assert.deepEqual(driftOf(state, most, await seen(bench, id)), { gone: false, changes: [] }, "nothing has happened");
    await happens(bench, id);
    await bench.clock.advance(60);
    const now = await seen(bench, id);
    const drift = driftOf(state, most, now);
    const lines = plainLines(drift);
    assert.equal(drift.gone, false);
    assert.equal(drift.changes.length, 1, "a refresh says it");
    if (says === undefined) assert.deepEqual(lines, []);
    else {
      assert.equal(lines.length, 1, lines.join("\n"));
      assert.match(lines[0] ?? "", says);
    }
    assert.ok(now);
    const after = refreshed(state, now);
    const changed = differing(state, after);
    if (typeof shows === "function") shows(changed);
    else assert.deepEqual(changed, shows);
    assert.deepEqual(planOf(state, asked), { replaces: [], changes: false }, "a state that is not refreshed");
    assert.deepEqual(planOf(after, asked), { replaces: [], changes: acts });
  });
}

test("an instance that others have destroyed is gone, and a run says what rents anew", async (t) => {
  const { bench, id, asked, state } = await rented(t, {});
  await bench.ask("DELETE", `/api/v0/instances/${id}/`);
  await bench.clock.advance(60);
  const drift = driftOf(state, asked.maxPricePerHour, await seen(bench, id));
  assert.equal(drift.gone, true);
  assert.match(plainLines(drift).join("\n"), /^instance \d+ is gone at Vast; pulumi up --refresh rents a new one$/);
});

function differing(before: InstanceOutputs, after: InstanceOutputs): Partial<InstanceOutputs> {
  const entries = Object.entries(after).filter(([key, value]) => {
    return JSON.stringify(value) !== JSON.stringify(before[key as keyof InstanceOutputs]);
  });
  return Object.fromEntries(entries) as Partial<InstanceOutputs>;
}
