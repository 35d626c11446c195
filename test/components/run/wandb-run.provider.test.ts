import assert from "node:assert/strict";
import { test } from "node:test";
import { newRunId, provider } from "../../../components/run/wandb-run.provider.ts";

const args = { repo: "r", branch: "jan", run: "" };

test("the id is of eight letters and digits, and another one each time", () => {
  const ids = Array.from({ length: 50 }, newRunId);
  assert.equal(new Set(ids).size, 50);
  for (const id of ids) assert.match(id, /^[a-z0-9]{8}$/);
});

test("it is kept while repository, branch and run are the same, and new with each of them", async () => {
  const { outs: old } = await provider.create(args);
  const changes = async (news: object) => (await provider.diff?.("", old, { ...args, ...news }))?.changes;
  assert.equal(await changes({}), false);
  for (const news of [{ repo: "s" }, { branch: "main" }, { run: "2" }]) {
    assert.equal(await changes(news), true);
    const { outs } = (await provider.update?.("", old, { ...args, ...news })) ?? {};
    assert.notEqual(outs.runId, old.runId);
  }
});
