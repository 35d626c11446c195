import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { findToken } from "../../../../components/credentials/registry-token.ts";
import { imageLoginText, keptImageTrouble } from "../../../../components/vast/rental/image-pull.ts";
import { callRegistry, pushImage } from "../../../support/docker/push.ts";
import { noRegistry, startRegistry } from "../../../support/docker/registry.ts";
// A check that gives a registry up after three seconds has nothing to tell.
import "../../../support/patient.ts";

test("a private image's login is made of the token that is found at that moment", (t) => {
  const folder = mkdtempSync(join(tmpdir(), "vast-login-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const envFile = join(folder, "env");
  const login = { registry: "docker.io", user: "me", tokenName: "SOME_REGISTRY_TOKEN", envFile };
  assert.throws(() => imageLoginText(login), /SOME_REGISTRY_TOKEN is neither in the environment nor in .*env/);
  writeFileSync(envFile, 'SOME_REGISTRY_TOKEN="dckr_pat_x"\n');
  assert.equal(imageLoginText(login), "-u me -p dckr_pat_x docker.io");
  assert.equal(findToken("SOME_REGISTRY_TOKEN", envFile, { SOME_REGISTRY_TOKEN: "first" }), "first");
  writeFileSync(envFile, 'SOME_REGISTRY_TOKEN="two words"\n');
  assert.throws(
    () => imageLoginText(login),
    ({ message }: Error) => /holds a blank/.test(message) && !/words/.test(message),
  );
});

test("a digest that is not in its registry any more is told; what cannot be asked is not", {
  skip: noRegistry(),
}, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "vast-kept-"));
  const registry = await startRegistry(join(folder, "registry"), undefined);
  const before = { ...process.env };
  process.env.VAST_TRAINING_HOME = join(folder, "state");
  t.after(async () => {
    process.env = before;
    await registry.close();
    rmSync(folder, { recursive: true, force: true });
  });
  const { digest } = await pushImage(registry, "it", ["config", "layer"], ["1"]);
  const trouble = (image: string) => keptImageTrouble({ image, imageLogin: null, apiUrl: "https://vast.example" });
  const pinned = `${registry.address}/it@${digest}`;
  assert.equal(await trouble(pinned), undefined);
  await callRegistry(registry, "DELETE", `/v2/it/manifests/${digest}`);
  assert.match((await trouble(pinned)) ?? "", /is not in its registry any more: no machine could pull it/);
  assert.equal(await trouble(`${registry.address}/it:1`), undefined, "a tag is asked for elsewhere");
  await registry.close();
  assert.equal(await trouble(pinned), undefined);
  assert.equal(await trouble(pinned), undefined, "unasked");
});
