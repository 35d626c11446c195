import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { pin, provider } from "../../../components/code/revision.provider.ts";
import { makeRepository } from "../remote/box.ts";

const WHOLE = {
  url: "",
  way: "none" as const,
  tokenFor: "",
  envFile: "",
  netrcFile: "",
  extraRepos: [],
  exclude: [],
  sourceDir: "",
};
const wish = { dependencies: "auto", extras: [], groups: [], credentials: [] };
const asked = { repo: "r", branch: "b", run: "", head: "new", wish };
const pinned = { repo: "r", branch: "b", run: "", commit: "old" };

test("the commit is kept until repo, branch or run changes", () => {
  assert.equal(pin({}, asked).commit, "new");
  assert.equal(pin(pinned, asked).commit, "old");
  for (const change of [{ repo: "x" }, { branch: "x" }, { run: "x" }]) {
    assert.equal(pin(pinned, { ...asked, ...change }).commit, "new", JSON.stringify(change));
  }
});

test("a push is no change, and the head is not kept", async (t) => {
  const home = mkdtempSync(join(tmpdir(), "revision-"));
  t.after(() => rmSync(home, { recursive: true }));
  process.env.VAST_TRAINING_HOME = join(home, "state");
  const url = join(home, "it.git");
  const [old = ""] = makeRepository(url, "b", { "requirements.txt": "six" });
  const dependencies = { command: "", uv: "", ownPython: true };
  const first = await provider.check({}, { ...asked, isPinned: false, head: old, whole: { ...WHOLE, url } });
  const pinned = { ...first.inputs, commit: old };
  assert.match(first.inputs.dependencies?.command ?? "", /-r requirements\.txt$/);
  const { inputs, failures } = await provider.check(pinned, { ...asked, isPinned: false, whole: { ...WHOLE, url } });
  assert.deepEqual(failures, []);
  assert.deepEqual(inputs, pinned);
  const named = await provider.check(pinned, { ...asked, isPinned: true, head: old, whole: { ...WHOLE, url } });
  assert.equal(named.inputs.commit, old);
  assert.equal((await provider.diff("revision", pinned, inputs)).changes, false);
  assert.equal((await provider.diff("revision", pinned, { ...inputs, commit: "new" })).changes, true);
  assert.equal((await provider.diff("revision", pinned, { ...inputs, dependencies })).changes, true);
  const extras = { ...wish, extras: ["gpu"] };
  const refused = await provider.check(pinned, { ...asked, isPinned: false, wish: extras, whole: { ...WHOLE, url } });
  assert.deepEqual(refused.failures, [
    { property: "extras", reason: "the code has no project that has any; leave it out" },
  ]);
});
