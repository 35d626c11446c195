import assert from "node:assert/strict";
import { test } from "node:test";
import { bytesBeside } from "../../../components/registry/manifest.ts";
import { inspectImage } from "../../../components/registry/registry.ts";
import { simulate } from "../../support/simulator.ts";

test("the simulator stands in for Docker Hub where its machines' images are asked for", async (t) => {
  const { simulator } = await simulate(t);
  const facts = await inspectImage("a/b:c", { hub: simulator.url });
  assert.equal(facts.compressedBytes, 5e9);
  assert.deepEqual(await inspectImage(facts.pinned, { hub: simulator.url }), facts);
  await assert.rejects(inspectImage(`a/b@sha256:${"0".repeat(64)}`, { hub: simulator.url }), { kind: "not_found" });
  await assert.rejects(inspectImage("unknown/b", { hub: simulator.url }), { kind: "not_found" });
});

test("an image on a base has the base's layers below its own", async (t) => {
  const { simulator } = await simulate(t);
  const [image, base] = await Promise.all(
    ["japhba/cot-oracle-on-vastai", "vastai/pytorch:x"].map((name) => inspectImage(name, { hub: simulator.url })),
  );
  assert.ok(image && base);
  assert.equal(bytesBeside(image.contents, base.contents), 0.4e9 + 7000);
  assert.equal(image.compressedBytes, 5.4e9);
  assert.deepEqual(image.contents.layers.slice(0, 1), base.contents.layers);
});
