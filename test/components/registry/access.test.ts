import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { findImage, knownContents } from "../../../components/registry/access.ts";
import { digestOf, index, openHub } from "./hub.ts";

const login = { username: "tester", password: "canary-token" };

test("what an image consists of is kept by its digest, and its manifest not read again", async (t) => {
  const { hub } = await openHub(t, login);
  const folder = mkdtempSync(join(tmpdir(), "vast-access-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const digest = digestOf(index);
  const file = (kind: string) => join(folder, `${digest.replace("sha256:", "")}.${kind}`);
  writeFileSync(file("size"), "7\n");
  const manifests = () => hub.seen.filter(({ method, authorization }) => method === "GET" && authorization).length;
  const find = () => findImage("public", { login: undefined, folder, options: { hub: hub.url } });

  const found = { pinned: `public@${digest}`, compressedBytes: 21_100, isPrivate: false };
  assert.deepEqual(await find(), found, "an earlier version kept the size alone");
  assert.equal(manifests(), 2, "the index, and the image in it");
  assert.deepEqual(await find(), found);
  assert.equal(manifests(), 2);
  const layers = [1000, 20_000].map((bytes) => ({ digest: digestOf(`${bytes}`), bytes }));
  assert.deepEqual(knownContents(folder, digest), { configBytes: 100, layers });
  assert.equal(knownContents(folder, digestOf("another")), undefined);

  for (const rubbish of ["", "7\n", '{"configBytes":1}', '{"configBytes":1,"layers":[{"digest":7,"bytes":1}]}']) {
    writeFileSync(file("layers"), rubbish);
    assert.equal(knownContents(folder, digest), undefined);
    assert.deepEqual(await find(), found);
  }
});
