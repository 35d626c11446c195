import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { folderOf } from "../../../../components/checkpoints/store/clone.ts";

test("a relative folder stays that of the clone which began, while that is there", (t) => {
  const root = mkdtempSync(join(tmpdir(), "vast-clones-"));
  t.after(() => rmSync(root, { recursive: true, force: true }));
  const clone = (name: string) => {
    mkdirSync(join(root, name));
    writeFileSync(join(root, name, "Pulumi.yaml"), "");
    return join(root, name);
  };
  const [first, second] = [clone("first"), clone("second")];
  const wish = (from: string, inside: string) => ({ clone: from, checkpointsTo: join(from, inside) });
  const recorded = join(first, "a/b");

  assert.equal(folderOf(recorded, wish(second, "a/b")), recorded);
  assert.equal(folderOf(recorded, wish(first, "a/b")), recorded);
  assert.equal(folderOf(undefined, wish(second, "a/b")), join(second, "a/b"), "nothing is recorded");
  assert.equal(folderOf(recorded, wish(second, "b")), join(second, "b"), "the config says another folder now");
  assert.equal(folderOf(recorded, wish(second, "../b")), join(root, "b"));
  const absolute = { checkpointsTo: join(second, "a/b") };
  assert.equal(folderOf(recorded, absolute), absolute.checkpointsTo, "an absolute path is obeyed");
  renameSync(first, join(root, "moved"));
  assert.equal(folderOf(recorded, wish(join(root, "moved"), "a/b")), join(root, "moved", "a/b"));
});
