import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { findToken, tokenNameFor } from "../../../components/credentials/registry-token.ts";

test("a registry's token is read from the env file as every other credential is", (t) => {
  const folder = mkdtempSync(join(tmpdir(), "vast-token-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, "env");
  writeFileSync(file, "export DOCKERHUB_TOKEN=dckr#pat # of this repository\n");
  assert.equal(findToken("DOCKERHUB_TOKEN", file, {}), "dckr#pat");
  assert.equal(findToken("DOCKERHUB_TOKEN", file, { DOCKERHUB_TOKEN: " mine " }), "mine", "the environment goes first");
  assert.equal(findToken("DOCKERHUB_TOKEN", join(folder, "none"), {}), undefined);
});

test("Docker Hub's token is for Docker Hub alone", () => {
  assert.equal(tokenNameFor("docker.io"), "DOCKERHUB_TOKEN");
  for (const registry of ["ghcr.io", "127.0.0.1:5000", "docker.io.example.org"])
    assert.equal(tokenNameFor(registry), "REGISTRY_TOKEN");
});
