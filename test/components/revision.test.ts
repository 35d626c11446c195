import assert from "node:assert/strict";
import { test } from "node:test";
import { pin, provider } from "../../components/revision.provider.ts";

const asked = { repo: "r", branch: "b", run: "", head: "new" };
const pinned = { repo: "r", branch: "b", run: "", commit: "old" };

test("the commit is kept until repo, branch or run changes", () => {
  assert.equal(pin({}, asked).commit, "new");
  assert.equal(pin(pinned, asked).commit, "old");
  for (const change of [{ repo: "x" }, { branch: "x" }, { run: "x" }]) {
    assert.equal(pin(pinned, { ...asked, ...change }).commit, "new", JSON.stringify(change));
  }
});

test("a push is no change, and the head is not kept", async () => {
  const { inputs } = await provider.check(pinned, asked);
  assert.deepEqual(inputs, pinned);
  assert.deepEqual(await provider.diff("revision", pinned, inputs), { changes: false });
  assert.deepEqual(await provider.diff("revision", pinned, { ...inputs, commit: "new" }), { changes: true });
});
