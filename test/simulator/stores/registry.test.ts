import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { inspectImage } from "../../../components/registry/registry.ts";
import { startSimulator } from "../../../simulator/index.ts";

test("the simulator stands in for Docker Hub where its machines' images are asked for", async (t) => {
  const home = mkdtempSync(join(tmpdir(), "vast-hub-"));
  const simulator = await startSimulator({ home, hosts: "none" });
  t.after(async () => {
    await simulator.close();
    rmSync(home, { recursive: true, force: true });
  });
  const facts = await inspectImage("a/b:c", { hub: simulator.url });
  assert.equal(facts.compressedBytes, 5e9);
  assert.deepEqual(await inspectImage(facts.pinned, { hub: simulator.url }), facts);
  await assert.rejects(inspectImage(`a/b@sha256:${"0".repeat(64)}`, { hub: simulator.url }), { kind: "not_found" });
  await assert.rejects(inspectImage("unknown/b", { hub: simulator.url }), { kind: "not_found" });
});
