import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { draftOf, readOrMake, writeWhole } from "../../../components/lib/draft.ts";

function folderFor(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), "draft-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

test("a file is written whole, for nobody else, and nothing lies beside it", (t) => {
  const folder = folderFor(t);
  const file = join(folder, "a.json");
  for (const text of ["long and old", Buffer.from("new")]) writeWhole(file, text);
  assert.equal(readFileSync(file, "utf8"), "new");
  assert.equal(statSync(file).mode & 0o777, 0o600);
  assert.deepEqual(readdirSync(folder), ["a.json"]);
  assert.notEqual(draftOf(file), draftOf(file));
});

test("where it cannot take its place nothing is left of it, and the error names the file", (t) => {
  const folder = folderFor(t);
  mkdirSync(join(folder, "taken"));
  for (const write of [() => writeWhole(join(folder, "taken"), "x"), () => writeWhole(join(folder, "no", "file"), "x")])
    assert.throws(write, { name: "DiskError", message: new RegExp(`^${folder}/(taken|no/file) cannot be used: `) });
  assert.deepEqual(readdirSync(folder), ["taken"]);
});

test("a text is made once", (t) => {
  const file = join(folderFor(t), "id");
  assert.equal(
    readOrMake(file, () => {
      writeWhole(file, "somebody was first");
      return "mine";
    }),
    "somebody was first",
  );
  assert.equal(
    readOrMake(file, () => assert.fail("it is there")),
    "somebody was first",
  );
  assert.deepEqual(readdirSync(join(file, "..")), ["id"]);
});
