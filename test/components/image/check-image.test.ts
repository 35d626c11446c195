import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import * as pulumi from "@pulumi/pulumi";
import { readConfig } from "../../../components/config/config.ts";
import { checkImage } from "../../../components/image/check-image.ts";
import { noRegistry, startRegistry } from "../../support/docker/registry.ts";
import { basic, digestOf, openServer } from "../registry/hub.ts";

await pulumi.runtime.setMocks({ newResource: () => ({ id: "", state: {} }), call: () => ({}) });

const login = { username: "team", password: "canary of a token" };

/** A registry with one image, for its login alone, and a home with an env file. */
async function open(t: TestContext) {
  const folder = mkdtempSync(join(tmpdir(), "vast-image-"));
  const registry = await startRegistry(join(folder, "registry"), login);
  t.after(async () => {
    await registry.close();
    rmSync(folder, { recursive: true, force: true });
  });
  const { address } = registry;
  const call = async (method: string, place: string, body: string, type = "application/octet-stream") => {
    const headers = { "Content-Type": type, Authorization: basic(login) };
    return fetch(new URL(place, `http://${address}`), { method, headers, body });
  };
  const started = await call("POST", "/v2/team/it/blobs/uploads/", "");
  await call("PUT", `${started.headers.get("location")}&digest=${digestOf("layer")}`, "layer");
  const mediaType = "application/vnd.docker.distribution.manifest.v2+json";
  const blob = { mediaType: "application/octet-stream", size: 5, digest: digestOf("layer") };
  const manifest = JSON.stringify({ schemaVersion: 2, mediaType, config: blob, layers: [blob] });
  assert.ok((await call("PUT", "/v2/team/it/manifests/1", manifest, mediaType)).ok);
  const envFile = join(folder, "env");
  const check = (image: string, token: string, more: Record<string, string> = {}) => {
    writeFileSync(envFile, `REGISTRY_TOKEN="${token}"\n`);
    const { config } = readConfig({ image, envFile, apiUrl: "http://127.0.0.1:1", ...more });
    return checkImage(config, { HOME: folder, VAST_TRAINING_HOME: join(folder, "state") });
  };
  return { name: `${address}/team/it`, digest: digestOf(manifest), check };
}

test("an image is found as a machine would get it, or is a problem of the preview", {
  skip: noRegistry(),
}, async (t) => {
  const { name, digest, check } = await open(t);
  const found = { pinned: `${name}@${digest}`, compressedBytes: 10, isPrivate: true };
  assert.deepEqual(await check(`${name}:1`, login.password), { value: { found }, problems: [] });
  assert.deepEqual((await check(`${name}:1`, login.password)).value?.found, found, "from what was remembered");

  const problem = async (...args: Parameters<typeof check>) => {
    const { value, problems } = await check(...args);
    assert.equal(value, undefined);
    assert.equal(problems.length, 1);
    assert.doesNotMatch(JSON.stringify(problems), /canary/);
    return problems[0] ?? assert.fail();
  };
  assert.match((await problem(`${name}:2`, login.password)).found, /has no tag "2"/);
  assert.match(String((await problem(`${name}:1`, "")).write), /put REGISTRY_TOKEN=… into .*env \(user "team"/);
  assert.match(String((await problem(`${name}:1`, "wrong canary")).write), /a valid REGISTRY_TOKEN .* registryUser/);
  assert.match((await problem(`${name}:1`, login.password, { registryUser: "nobody" })).found, /login of "nobody"/);
  assert.match((await problem(`${name}@${digest}`, "", { imageBuild: "local" })).found, /one image for ever/);
});

test("a registry that does not answer here stops nothing, and is asked once", async (t) => {
  const { address, seen } = await openServer(t, () => [503]);
  const { config } = readConfig({ image: `${address}/a/b`, apiUrl: "http://127.0.0.1:1" });
  const folder = mkdtempSync(join(tmpdir(), "vast-image-"));
  try {
    const env = { HOME: folder, VAST_TRAINING_HOME: folder };
    assert.deepEqual(await checkImage(config, env), { value: { found: null }, problems: [] });
    const asked = seen.length;
    assert.deepEqual(await checkImage(config, env), { value: { found: null }, problems: [] });
    assert.equal(seen.length, asked);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
