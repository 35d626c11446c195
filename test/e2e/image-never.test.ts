import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { notAll } from "../support/all.ts";
import { callRegistry, type Pushed, pushImage } from "../support/docker/push.ts";
import { noRegistry, type Registry, startRegistry } from "../support/docker/registry.ts";
import { openProject } from "../support/project.ts";

/** The layer of an image that holds /marks/NAME. */
function layerWith(folder: string, name: string): Buffer<ArrayBuffer> {
  const marks = join(folder, name, "marks");
  mkdirSync(marks, { recursive: true });
  writeFileSync(join(marks, name), "");
  return execFileSync("tar", ["-czf", "-", "-C", join(folder, name), "marks"]) as Buffer<ArrayBuffer>;
}

test("an image as it is: its tag is taken once, and asked for before anything is rented", {
  skip: noRegistry() || notAll,
}, async (t: TestContext) => {
  const folder = mkdtempSync(join(tmpdir(), "vast-never-"));
  let registry: Registry | undefined;
  const project = await openProject(t);
  t.after(async () => {
    await registry?.close();
    rmSync(folder, { recursive: true, force: true });
  });
  const opened = await startRegistry(join(folder, "registry"), { username: "tester", password: "a-token" });
  registry = opened;
  writeFileSync(join(project.root, "env"), "REGISTRY_TOKEN=a-token\n");
  const push = (name: string): Promise<Pushed> =>
    pushImage(opened, "tester/it", [`{"name":"${name}"}`, layerWith(folder, name)], ["latest"]);
  const config = ["-c", `image=${opened.address}/tester/it`, "-c", "links={}", "-c", "trainCommand=sleep 600"];
  const up = (...words: string[]) => project.works("up", "--skip-preview", ...config, ...words);
  const rented = async () => (await project.simulator.ledger()).contracts.length;
  const first = await push("first");

  await t.test("a tag that is missing, and a login that may not read, are problems of a preview", async () => {
    const missing = await project.pulumi("preview", "-c", `image=${opened.address}/tester/it:none`);
    assert.notEqual(missing.code, 0);
    assert.match(missing.stdout, /image: .*has no tag "none".*; name one that exists, or push it first/);
    const denied = await project.pulumi("preview", ...config, "-c", "registryUser=nobody");
    assert.notEqual(denied.code, 0);
    assert.match(denied.stdout, /refuses the login of "nobody".*REGISTRY_TOKEN/);
    await project.run("pulumi", ["config", "rm", "registryUser", "-s", "local"]);
    assert.equal(await rented(), 0);
  });

  await t.test("up rents with the digest, and the machine logs in at the registry", async () => {
    await up();
    const order = (await project.requests()).find(({ method, path }) => method === "PUT" && path.includes("/asks/"));
    const body = order?.body as { image: string; image_login: string };
    assert.equal(body.image, `${opened.address}/tester/it@${first.digest}`);
    assert.equal(body.image_login, "-", "told, and not shown");
    assert.equal(await project.remote("ls /marks"), "first");
  });

  await t.test("a latest that moves replaces nothing; another text takes what it is now", async () => {
    const second = await push("second");
    await up("--expect-no-changes");
    const preview = await project.works("preview", "-c", `image=${opened.address}/tester/it@${second.digest}`);
    assert.match(preview, /Instance run-instance\s+replace/);
    assert.equal(await rented(), 1);
    await up("--expect-no-changes");
  });

  await t.test("a base that hosts may have, another one, and one that cannot be read change nothing", async () => {
    const second = await push("second");
    for (const [base, words] of [
      [`${opened.address}/tester/it@${second.digest}`, /cachedBase: .* nobody may read it without a login/],
      ["vastai/pytorch:2.6", /unchanged/],
      ["127.0.0.1:1/a/b", /cachedBase: .* does not answer/],
    ] as const)
      assert.match(await up("--expect-no-changes", "-c", `cachedBase=${base}`), words);
    assert.equal(await rented(), 1);
    await project.run("pulumi", ["config", "rm", "cachedBase", "-s", "local"]);
  });

  await t.test("a digest that is gone is told before another machine is rented, with what helps", async () => {
    await callRegistry(opened, "DELETE", `/v2/tester/it/manifests/${first.digest}`);
    await up("--expect-no-changes");
    const { code, stdout, stderr } = await project.pulumi("preview", ...config, "-c", "gpus=2");
    assert.notEqual(code, 0);
    assert.match(stdout + stderr, /is not in its registry any more: no machine could pull it.*--replace '\*\*-image'/);
    const helped = await project.works("preview", ...config, "-c", "gpus=2", "--replace", "**-image");
    assert.match(helped, /Instance run-instance\s+replace/);
    await project.run("pulumi", ["config", "set", "gpus", "1", "-s", "local"]);
  });

  await t.test("a registry that does not answer is a warning, and changes nothing", async () => {
    await opened.close();
    registry = undefined;
    const text = await up("--expect-no-changes");
    assert.match(text, /does not answer .* So image is not checked/);
  });

  await project.works("destroy", "--skip-preview");
});
