import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { isRegistryError } from "../../../components/registry/errors.ts";
import { findDigest, inspectImage } from "../../../components/registry/registry.ts";
import { noRegistry, type Registry, startRegistry } from "../../support/docker/registry.ts";
import { basic, digestOf } from "./hub.ts";

const login = { username: "tester", password: "canary token: with a colon" };
const skip = noRegistry();

async function open(t: TestContext, who: typeof login | undefined) {
  const folder = mkdtempSync(join(tmpdir(), "vast-registry-"));
  let registry: Registry | undefined;
  t.after(async () => {
    await registry?.close();
    rmSync(folder, { recursive: true, force: true });
  });
  registry = await startRegistry(join(folder, "registry"), who);
  const { address } = registry;
  const call = async (method: string, place: string, body: string, type = "application/octet-stream") => {
    const headers = { "Content-Type": type, ...(who ? { Authorization: basic(who) } : {}) };
    const answer = await fetch(new URL(place, `http://${address}`), { method, headers, body });
    assert.ok(answer.ok, `${method} ${place}: ${answer.status} ${await answer.text()}`);
    return answer;
  };
  /** Puts an image there as a push does it. */
  const push = async (repository: string, blobs: string[], tags: string[]) => {
    for (const blob of blobs) {
      const upload = (await call("POST", `/v2/${repository}/blobs/uploads/`, "")).headers.get("location") ?? "";
      await call("PUT", `${upload}&digest=${digestOf(blob)}`, blob);
    }
    const [config, ...layers] = blobs.map((blob) => ({
      mediaType: "application/vnd.docker.image.rootfs.diff.tar.gzip",
      digest: digestOf(blob),
      size: blob.length,
    }));
    const mediaType = "application/vnd.docker.distribution.manifest.v2+json";
    const manifest = JSON.stringify({
      schemaVersion: 2,
      mediaType,
      config: { ...config, mediaType: "application/vnd.docker.container.image.v1+json" },
      layers,
    });
    for (const tag of tags) await call("PUT", `/v2/${repository}/manifests/${tag}`, manifest, mediaType);
    return { digest: digestOf(manifest), length: manifest.length };
  };
  const pushIndex = async (repository: string, tag: string, inner: { digest: string; length: number }) => {
    const mediaType = "application/vnd.docker.distribution.manifest.list.v2+json";
    const entry = {
      mediaType: "application/vnd.docker.distribution.manifest.v2+json",
      digest: inner.digest,
      size: inner.length,
      platform: { os: "linux", architecture: "amd64" },
    };
    const index = JSON.stringify({ schemaVersion: 2, mediaType, manifests: [entry] });
    await call("PUT", `/v2/${repository}/manifests/${tag}`, index, mediaType);
    return digestOf(index);
  };
  return { address, push, pushIndex };
}

const kindOf = (promise: Promise<unknown>) =>
  promise.then(
    () => "nothing thrown",
    (error: unknown) => (isRegistryError(error) ? error.kind : error),
  );

test("a real registry with a login is read by its login alone", { skip }, async (t) => {
  const { address, push, pushIndex } = await open(t, login);
  const image = await push("team/thing", ["config", "a layer", "another layer"], ["1", "deps-0123456789ab"]);
  const name = `${address}/team/thing`;
  const layers = ["a layer", "another layer"].map((text) => ({ digest: digestOf(text), bytes: text.length }));
  const contents = { configBytes: 6, layers };
  const facts = { digest: image.digest, pinned: `${name}@${image.digest}`, contents, compressedBytes: 6 + 7 + 13 };
  assert.deepEqual(await inspectImage(`${name}:1`, { login }), facts);
  assert.deepEqual(await inspectImage(facts.pinned, { login }), facts);
  assert.equal(await findDigest(`${name}:deps-0123456789ab`, { login }), image.digest);
  assert.equal(await findDigest(`${name}:deps-000000000000`, { login }), undefined);
  assert.equal(await findDigest(`${address}/team/none:1`, { login }), undefined);

  const index = await pushIndex("team/thing", "multi", image);
  assert.deepEqual(await inspectImage(`${name}:multi`, { login }), {
    ...facts,
    digest: index,
    pinned: `${name}@${index}`,
  });

  assert.equal(await kindOf(inspectImage(`${name}:2`, { login })), "not_found");
  assert.equal(await kindOf(inspectImage(`${address}/team/none:1`, { login })), "not_found");
  assert.equal(await kindOf(inspectImage(`${name}@${digestOf("x")}`, { login })), "not_found");
  assert.equal(await kindOf(inspectImage(`${name}:1`)), "denied");
  assert.equal(await kindOf(findDigest(`${name}:1`)), "denied");
  assert.equal(await kindOf(inspectImage(`${name}:1`, { login: { ...login, password: "no" } })), "bad_login");
  assert.equal(await kindOf(findDigest(`${name}:1`, { login: { ...login, username: "nobody" } })), "bad_login");
});

test("a real registry without a login is read by everybody", { skip }, async (t) => {
  const { address, push } = await open(t, undefined);
  const { digest } = await push("thing", ["config"], ["latest"]);
  assert.deepEqual(await inspectImage(`${address}/thing`), {
    digest,
    pinned: `${address}/thing@${digest}`,
    contents: { configBytes: 6, layers: [] },
    compressedBytes: 6,
  });
  assert.equal((await inspectImage(`${address}/thing`, { login })).digest, digest);
});
