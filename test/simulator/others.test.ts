import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { promisify } from "node:util";
import type { Simulator } from "../../simulator/index.ts";
import { notAll } from "../support/all.ts";
import { simulate } from "../support/simulator.ts";
import { venv } from "../support/venv.ts";

const run = promisify(execFile);

/** Both in one Python: dstack's client needs nothing that SkyPilot does not bring, and its whole service would. */
const programs = (t: TestContext) =>
  venv(
    t,
    "skypilot-0.14.1-dstack-0.22.5",
    ["skypilot==0.14.1", "vastai==1.9.1", "httpx==0.28.1"],
    ["--no-deps", "dstack==0.22.5", "gpuhunt==0.1.34"],
  );

/** With Vast's limits, and a way as long as it is to Vast: these programs do not pace themselves. */
async function openVast(t: TestContext): Promise<{ home: string; vast: Simulator }> {
  const { home, simulator: vast } = await simulate(t, { timings: { latency: 0.35 } });
  return { home, vast };
}

/** What the program in this file of `test/support/clients` says of its life. */
async function live(python: string, name: string, home: string, { url, apiKey }: Simulator) {
  const { PATH } = process.env;
  const env = { PATH, HOME: home, VAST_URL: url, VAST_API_KEY: apiKey, NO_PROXY: "127.0.0.1", PYTHONUTF8: "1" };
  const script = join(import.meta.dirname, "..", "support", "clients", `with-${name}.py`);
  const { stdout } = await run(python, [script], { env, cwd: home, timeout: 240_000 });
  return JSON.parse(stdout.trim().split("\n").at(-1) ?? "");
}

function lives({ world }: Simulator) {
  return world.contracts.all().map(({ id, label, bid, state }) => ({ id, label, bid: bid !== null, state }));
}

test("SkyPilot's provisioner goes through a whole life on the simulator", { skip: notAll }, async (t) => {
  const python = await programs(t);
  if (python === undefined) return;
  const { home, vast } = await openVast(t);
  const { created, head, port, lived } = await live(python, "skypilot", home, vast);
  const [contract] = lives(vast);
  assert.deepEqual(lives(vast), [{ id: Number(head), label: "sky-test-head", bid: false, state: "gone" }]);
  assert.deepEqual(created.map(Number), [contract?.id]);
  assert.ok(port > 0);
  assert.deepEqual(lived, [["UP"], ["STOPPED"], ["UP"], []]);
});

test("dstack's client and its search go through a whole life on the simulator", { skip: notAll }, async (t) => {
  const python = await programs(t);
  if (python === undefined) return;
  const { home, vast } = await openVast(t);
  const { offers, known, wrong, created, port } = await live(python, "dstack", home, vast);
  assert.ok(offers > 1 && port > 0);
  assert.deepEqual([known, wrong], [true, false]);
  assert.deepEqual(lives(vast), [{ id: created, label: "dstack-test", bid: true, state: "gone" }]);
});
