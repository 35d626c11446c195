import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { test } from "node:test";
import { dependenciesScript } from "../../../components/remote/scripts.ts";
import { openBox } from "./box.ts";

const hasUv = spawnSync("uv", ["--version"]).status === 0;
const step = (workspace: string) =>
  dependenciesScript({ repo: "https://example.org/me/repo", commit: "a".repeat(40), workspace });

test("without a project there is nothing to install", async (t) => {
  const box = openBox(t);
  const result = await box.run(step(box.workspace));
  assert.equal(result.code, 0, result.err);
  assert.match(result.out, /nothing to install/);
});

test("what the image has is not installed again", { skip: hasUv ? false : "needs uv" }, async (t) => {
  const box = openBox(t);
  const project = '[project]\nname = "x"\nversion = "0"\nrequires-python = ">=3.9"\n[tool.uv]\npackage = false\n';
  box.write(join(box.workspace, "repo/pyproject.toml"), project);
  for (let time = 0; time < 2; time++) {
    const result = await box.run(step(box.workspace));
    assert.equal(result.code, 0, result.err);
    assert.match(result.out, /installed 0 packages/);
  }
});

test("a failing installation shows the end of its log", { skip: hasUv ? false : "needs uv" }, async (t) => {
  const box = openBox(t);
  box.write(join(box.workspace, "repo/pyproject.toml"), "not toml");
  const result = await box.run(step(box.workspace));
  assert.notEqual(result.code, 0);
  assert.match(result.err, /dependencies: exit code.*logs\/dependencies\.log.*pyproject\.toml/s);
});
