import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { absolute, whyNotWritable } from "../../../components/lib/path.ts";

test("a tilde is the home directory, and only at the beginning", () => {
  const env = { HOME: "/home/me" };
  assert.equal(absolute("~", env), "/home/me");
  assert.equal(absolute("~/a/b", env), "/home/me/a/b");
  assert.equal(absolute("/a/~/b", env), "/a/~/b");
  assert.equal(absolute("~other/a", env), join(process.cwd(), "~other/a"));
  assert.equal(absolute("a/../b", env), join(process.cwd(), "b"));
});

test("a folder that is not there yet can be made where what is above it can be written to", (t) => {
  const folder = mkdtempSync(join(tmpdir(), "vast-path-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  writeFileSync(join(folder, "file"), "");
  assert.equal(whyNotWritable(join(folder, "a", "b")), undefined);
  assert.equal(whyNotWritable(join(folder, "file", "b")), `${join(folder, "file")} is not a folder`);
});
