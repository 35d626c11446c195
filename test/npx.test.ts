import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { projectDir } from "../scripts/lib/workspace.ts";

test("nobody is told to type npx: outside the clone it runs whatever the registry has under that name", () => {
  const words = ["grep", "-nwI", "npx", "--", ".", ":!package-lock.json", ":!test/npx.test.ts"];
  const { status, stdout, stderr } = spawnSync("git", words, { cwd: projectDir, encoding: "utf8" });
  assert.deepEqual([status, stdout, stderr], [1, "", ""]);
});
