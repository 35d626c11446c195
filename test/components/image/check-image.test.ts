import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import * as pulumi from "@pulumi/pulumi";
import { readConfig } from "../../../components/config/config.ts";
import { checkImage } from "../../../components/image/check-image.ts";
import { noRegistry, startRegistry } from "../../support/docker/registry.ts";
import { amd64, basic, digestOf, index, openServer } from "../registry/hub.ts";

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
  assert.deepEqual(await check(`${name}:1`, login.password), { value: { found, cachedBase: "" }, problems: [] });
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
    assert.deepEqual(await checkImage(config, env), { value: { found: null, cachedBase: "" }, problems: [] });
    const asked = seen.length;
    assert.deepEqual(await checkImage(config, env), { value: { found: null, cachedBase: "" }, problems: [] });
    assert.equal(seen.length, asked);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

/** A state directory, and what is said in warnings. */
function listening(t: TestContext) {
  const folder = mkdtempSync(join(tmpdir(), "vast-image-"));
  const warn = t.mock.method(pulumi.log, "warn", async () => {});
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const env = { HOME: folder, VAST_TRAINING_HOME: folder, DOCKERHUB_TOKEN: "canary", REGISTRY_TOKEN: "canary" };
  const check = async (image: string, cachedBase: string) => {
    const { config, problems } = readConfig({ image, cachedBase, apiUrl: "http://127.0.0.1:1" });
    assert.deepEqual(problems, []);
    return (await checkImage(config, env)).value;
  };
  return { check, said: () => warn.mock.calls.map(({ arguments: [text] }) => String(text)) };
}

test("a base is read as anybody would, and pinned; another one changes nothing that is found of the image", async (t) => {
  const { check, said } = listening(t);
  const { address, seen } = await openServer(t, ({ url }) => {
    const text = url.endsWith("/latest") ? index : amd64;
    return [200, { "Docker-Content-Digest": digestOf(text) }, text];
  });
  const image = `${address}/a/b:1`;
  const found = { pinned: `${address}/a/b@${digestOf(amd64)}`, compressedBytes: 21_100, isPrivate: false };
  assert.deepEqual(await check(image, ""), { found, cachedBase: "" });
  const base = (name: string, text: string) => ({ found, cachedBase: `${address}/c/${name}@${digestOf(text)}` });
  assert.deepEqual(await check(image, `${address}/c/d:2`), base("d", amd64));
  assert.deepEqual(await check(image, `${address}/c/index:latest`), base("index", index), "of several platforms");
  assert.deepEqual(said(), []);
  assert.ok(seen.every(({ authorization }) => authorization === undefined));
});

test("a base that is missing, private, of another kind, limited or out of reach is a warning", async (t) => {
  const { check, said } = listening(t);
  const { address, seen } = await openServer(t, ({ url, method }) => {
    if (url.includes("/missing/")) return [404];
    if (url.includes("/private/")) return [401, { "WWW-Authenticate": 'Basic realm="r"' }];
    if (url.includes("/limited/")) return [429];
    if (url.includes("/old/"))
      return [200, method === "HEAD" ? { "Docker-Content-Digest": digestOf("x") } : {}, { schemaVersion: 1 }];
    return [200, { "Docker-Content-Digest": digestOf(amd64) }, amd64];
  });
  const bases = ["missing", "private", "limited", "old"].map((kind) => `${address}/x/${kind}/y:1`);
  for (const base of [...bases, "127.0.0.1:1/a/b"]) {
    const before = said().length;
    assert.equal((await check(`${address}/a/b:1`, base))?.cachedBase, "", base);
    assert.equal(said().length, before + 1, base);
    assert.match(said().at(-1) ?? "", /^cachedBase: .* So what it saves of the pull is not known\.$/);
  }
  assert.doesNotMatch(said().join(), /canary/);
  assert.ok(
    seen.every(({ authorization }) => authorization === undefined),
    "no token goes to where the base is",
  );
});

test("where the image cannot be asked for, nothing is said of the base", async (t) => {
  const { check, said } = listening(t);
  assert.deepEqual(await check("127.0.0.1:1/a/b", "127.0.0.1:1/c/d"), { found: null, cachedBase: "" });
  assert.equal(said().length, 1);
  assert.match(said()[0] ?? "", /So image is not checked/);
});
