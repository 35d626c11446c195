import assert from "node:assert/strict";
import { test } from "node:test";
import type { CodeSource } from "../../../components/code/check-repository.ts";
import { readConfig } from "../../../components/config/config.ts";
import { imageInputs, isImageConfig } from "../../../components/image/inputs.ts";

const url = "https://github.com/me/it";
const open = { url: "https://github.com/me/other", commit: "a".repeat(40), path: "/workspace/other" };
const closed = { ...open, url: "git@github.com:me/closed.git", path: "/workspace/closed" };
const head: CodeSource = {
  ...{ url, commit: "b".repeat(40), way: "none", tokenFor: "", sshConfig: "", knownHosts: "" },
  extraRepos: [open, closed],
};

function inputsOf(values: Record<string, string>, code: Partial<CodeSource> = {}) {
  const { config } = readConfig({ repo: url, ...values });
  assert.ok(isImageConfig(config));
  return imageInputs(config, { ...head, ...code }).code;
}

test("the image holds what anybody can clone; the rest is cloned at launch", () => {
  assert.deepEqual(inputsOf({}).extraRepos, [open]);
  assert.deepEqual(inputsOf({ gitAuth: "token" }, { way: "token" }).extraRepos, []);
});

test("a folder of this machine is sent, and what lies beside it can still be cloned by anybody", () => {
  const sent: Partial<CodeSource> = {
    way: "upload",
    snapshot: { sourceDir: "/here" } as CodeSource["snapshot"] & object,
  };
  assert.deepEqual(inputsOf({ source: "rsync" }, sent).extraRepos, [open]);
  assert.equal(inputsOf({ source: "rsync" }, sent).sourceDir, "/here");
  assert.deepEqual(inputsOf({ source: "rsync", gitAuth: "upload" }, sent).extraRepos, []);
});

test("without a key that could be read there is no image to speak of", () => {
  const { config } = readConfig({ repo: url, imageBuild: "perhaps" });
  assert.equal(isImageConfig(config), false);
});
