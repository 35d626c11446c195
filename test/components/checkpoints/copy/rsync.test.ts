import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import {
  asListed,
  bytesBelow,
  copyFailure,
  nameIn,
  progressIn,
} from "../../../../components/checkpoints/copy/rsync.ts";

test("rsync's words are understood", () => {
  assert.equal(progressIn("      1,234,567  45%   12.34MB/s    0:00:10 (xfr#3, to-chk=5/10)"), "45 %, 12.34MB/s");
  assert.equal(progressIn("receiving incremental file list"), undefined);
  const kind = (code: number, line: string) => copyFailure(code, [line], "/home/x").kind;
  assert.equal(kind(11, 'rsync: write failed on "/x": No space left on device (28)'), "disk_full");
  assert.equal(kind(11, "rsync: mkstemp failed: Disk quota exceeded (122)"), "disk_full");
  assert.equal(kind(12, "bash: line 1: rsync: command not found"), "failed");
  assert.equal(kind(255, "ssh: connect to host x port 1: Connection refused"), "unreachable");
  assert.equal(kind(23, "rsync: opendir failed: Permission denied (13)"), "failed");
});

test("the name of a file that begins is read whatever is in it", () => {
  assert.equal(nameIn("> step_1/model.pt"), "step_1/model.pt");
  assert.equal(nameIn(String.raw`> line\#012break \#377\#134#101 \#12`), "line\nbreak \xff\\#101 \\#12");
  assert.equal(nameIn("> > 45%"), "> 45%");
  assert.equal(nameIn("      1,234,567  45%   12.34MB/s    0:00:10"), undefined);
});

test("many small files that arrive are no more than a manifest has listed, and holes are nothing", (t) => {
  const folder = mkdtempSync(join(tmpdir(), "rsync-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  mkdirSync(join(folder, "run"));
  for (const name of ["a", "b", "run/c"]) writeFileSync(join(folder, name), "x");
  assert.equal(bytesBelow(Buffer.from(folder), asListed), 3);
  truncateSync(join(folder, "a"), 50_000_000);
  assert.ok(bytesBelow(Buffer.from(folder), asListed) < 1_000_000);
  assert.equal(bytesBelow(Buffer.from(join(folder, "gone")), asListed), 0);
});
