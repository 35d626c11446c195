import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { startSimulator } from "../../simulator/index.ts";
import { findOffer, ORDER, openBench } from "../support/simulator.ts";

test("several live beside each other, each with its own key and world", async (t) => {
  const one = await openBench(t);
  const other = await openBench(t);
  assert.notEqual(one.simulator.apiKey, other.simulator.apiKey);
  const foreign = await one.ask("GET", "/api/v1/instances/", undefined, other.simulator.apiKey);
  assert.equal(foreign.body.error, "auth_error");
  await one.rent();
  assert.equal(other.simulator.world.contracts.all().length, 0);
});

test("closing twice is no error; nothing answers after it, and no file tells of it", async (t) => {
  const { simulator, rent } = await openBench(t);
  await rent();
  await Promise.all([simulator.close(), simulator.close()]);
  await assert.rejects(fetch(simulator.url));
  const home = join(simulator.apiKeyFile, "..");
  assert.deepEqual(readdirSync(home), ["api_key"]);
});

test("a start that fails leaves the folder free", async (t) => {
  const { simulator } = await openBench(t);
  const home = mkdtempSync(join(tmpdir(), "simulator-index-"));
  t.after(() => rmSync(home, { recursive: true, force: true }));
  const port = Number(new URL(simulator.url).port);
  await assert.rejects(startSimulator({ home, hosts: "none", port }), /^Error: Port \d+ of 127.0.0.1 is taken/);
  const second = await startSimulator({ home, hosts: "none" });
  await second.close();
});

test("a waiting request does not keep a closed simulator alive", async (t) => {
  const { simulator, ask } = await openBench(t, { timings: { rent: 1000 } });
  const offer = await findOffer({ ask });
  const arrived = Promise.withResolvers<void>();
  t.mock.method(simulator.world.clock, "after", (_: number, __: () => void) => {
    arrived.resolve();
    return () => {};
  });
  const asked = ask("PUT", `/api/v0/asks/${offer.id}/`, ORDER);
  asked.catch(() => {});
  await arrived.promise;
  await simulator.close();
  await assert.rejects(asked);
});

test("by the real clock a machine comes up by itself", async (t) => {
  const quick = { visible: 0, report: 0.01, load: 0.01, ports: 0.01, sshd: 0.01, proxy: 0.01 };
  const home = mkdtempSync(join(tmpdir(), "simulator-index-"));
  t.after(() => rmSync(home, { recursive: true, force: true }));
  const up = Promise.withResolvers<void>();
  const log = (line: string) => line.endsWith(": running") && up.resolve();
  const simulator = await startSimulator({ home, hosts: "none", timings: quick, log });
  t.after(() => simulator.close());
  const headers = { authorization: `Bearer ${simulator.apiKey}` };
  const [offer] = [...simulator.world.market.offers()].filter(({ ask }) => ask.tenant === undefined);
  const body = JSON.stringify(ORDER);
  await fetch(`${simulator.url}/api/v0/asks/${offer?.ask.id}/`, { method: "PUT", headers, body });
  await up.promise;
});
