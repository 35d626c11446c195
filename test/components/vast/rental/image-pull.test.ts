import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { findToken, tokenNameFor } from "../../../../components/credentials/registry-token.ts";
import { imageLoginText } from "../../../../components/vast/rental/image-pull.ts";

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

test("Docker Hub's token is for Docker Hub alone", () => {
  assert.equal(tokenNameFor("docker.io"), "DOCKERHUB_TOKEN");
  for (const registry of ["ghcr.io", "127.0.0.1:5000", "docker.io.example.org"])
    assert.equal(tokenNameFor(registry), "REGISTRY_TOKEN");
});
