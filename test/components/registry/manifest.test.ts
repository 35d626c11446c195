import assert from "node:assert/strict";
import { test } from "node:test";
import { bytesBeside, bytesIn, type ImageContents, readManifest } from "../../../components/registry/manifest.ts";
import { amd64, arm64, digestOf, index } from "./hub.ts";

/** Layers by name, the lowest first; a name's size is always the same. */
const image = (...names: string[]): ImageContents => ({
  configBytes: 1,
  layers: names.map((name) => ({ digest: digestOf(name), bytes: SIZES[name] ?? assert.fail(name) })),
});
const SIZES: Record<string, number> = { system: 100, cuda: 1000, torch: 10_000, own: 100_000, empty: 32, nothing: 0 };
const base = image("system", "cuda", "torch");

test("where the base is there, what stands on it is fetched, and the config", () => {
  assert.equal(bytesIn(image("system", "cuda", "torch", "own")), 111_101);
  assert.equal(bytesBeside(image("system", "cuda", "torch", "own"), base), 100_001);
  assert.equal(bytesBeside(base, base), 1);
  assert.equal(bytesBeside(image("system", "own"), base), 100_001, "of a base that has more");
});

test("layers in common above the first that differs save nothing, for Docker fetches those again", () => {
  const other = image("system", "own", "torch");
  assert.equal(bytesBeside(other, base), bytesIn(other) - 100);
  assert.equal(bytesBeside(image("torch", "cuda", "system"), base), bytesIn(base));
  assert.equal(bytesBeside(image(), base), 1);
  assert.equal(bytesBeside(base, image()), bytesIn(base));
});

test("a layer that is there twice is fetched once, and an empty one costs nothing", () => {
  const twice = image("system", "empty", "cuda", "empty", "nothing", "nothing");
  assert.equal(bytesIn(twice), 1133);
  assert.equal(bytesBeside(image("system", "empty", "cuda", "empty", "nothing", "nothing", "own"), twice), 100_001);
  assert.equal(bytesBeside(image("system", "system", "own"), image("system", "system")), 100_001);
  assert.equal(bytesBeside(image("nothing", "own"), image("nothing")), 100_001);
});

test("an index names the image for linux/amd64, and a manifest its layers", () => {
  assert.deepEqual(readManifest(index), { kind: "index", amd64: digestOf(amd64) });
  const layers = [{ digest: digestOf("5"), bytes: 5 }];
  assert.deepEqual(readManifest(arm64), { kind: "single", contents: { configBytes: 100, layers } });
});

test("what is of an old or another kind is no manifest", () => {
  const layer = { digest: digestOf("x"), size: 1 };
  for (const other of [
    { schemaVersion: 1, fsLayers: [{ blobSum: digestOf("x") }] },
    { config: layer },
    { config: layer, layers: [{ size: 1 }] },
    { config: layer, layers: [{ ...layer, size: -1 }] },
    { config: layer, layers: [{ ...layer, size: 0.5 }] },
    { artifactType: "x", blobs: [layer] },
  ])
    assert.equal(readManifest(JSON.stringify(other)), undefined);
});
