import assert from "node:assert/strict";
import { lstatSync, mkdtempSync, renameSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { holds } from "../../../../components/checkpoints/store/files.ts";
import { Sums } from "../../../../components/checkpoints/store/sums.ts";

function scratch(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), "sums-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

test("a sum is that of a file as it was: by another name it is the same, written to it is not", (t) => {
  const folder = scratch(t);
  const [path, later] = [join(folder, "a"), join(folder, "b")].map((one) => Buffer.from(one)) as [Buffer, Buffer];
  const sums = new Sums();
  writeFileSync(path, "one");
  sums.note(lstatSync(path, { bigint: true }), "sum of one", true);
  renameSync(path, later);
  assert.deepEqual([sums.of(path), sums.of(later), sums.isFlushed(later)], [undefined, "sum of one", true]);
  writeFileSync(later, "two");
  utimesSync(later, 1, 1);
  assert.deepEqual([sums.of(later), sums.isFlushed(later)], [undefined, false]);
  sums.note(lstatSync(later, { bigint: true }), "sum of two");
  assert.deepEqual([sums.of(later), sums.isFlushed(later)], ["sum of two", false]);
  rmSync(later);
  writeFileSync(later, "two, in another file");
  assert.equal(sums.of(later), undefined);
});

test("a file whose sum is known is not read again", async (t) => {
  const path = Buffer.from(join(scratch(t), "a"));
  writeFileSync(path, "one");
  const sums = new Sums();
  sums.note(lstatSync(path, { bigint: true }), "what was found");
  assert.ok(await holds(path, { size: 3, sha256: "what was found" }, sums));
  assert.ok(!(await holds(path, { size: 4, sha256: "what was found" }, sums)));
  assert.ok(!(await holds(path, { size: 3, sha256: "what was found" })), "without them it is");
});
