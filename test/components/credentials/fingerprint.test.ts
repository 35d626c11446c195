import assert from "node:assert/strict";
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { fingerprintsOf } from "../../../components/credentials/fingerprint.ts";

function openDir(t: TestContext) {
  const path = mkdtempSync(join(tmpdir(), "fingerprint-"));
  t.after(() => rmSync(path, { recursive: true }));
  return { path };
}

test("a fingerprint changes with the value alone, and equal values of two names look different", (t) => {
  const dir = openDir(t);
  const first = fingerprintsOf(dir, { A: "x", B: "x" });
  assert.deepEqual(fingerprintsOf(dir, { B: "x", A: "x" }), first);
  assert.notEqual(first.A, first.B);
  const second = fingerprintsOf(dir, { A: "y", B: "x" });
  assert.notEqual(second.A, first.A);
  assert.equal(second.B, first.B);
});

test("without the key of the state directory, which only its owner can read, it tells nothing", (t) => {
  const [one, other] = [openDir(t), openDir(t)];
  assert.notEqual(fingerprintsOf(one, { A: "x" }).A, fingerprintsOf(other, { A: "x" }).A);
  assert.equal(statSync(join(one.path, "fingerprint-key")).mode & 0o777, 0o600);
});
