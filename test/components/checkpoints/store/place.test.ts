import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { besideName, isSuspect, openWay } from "../../../../components/checkpoints/store/place.ts";

const AT = new Date("2026-11-27T03:04:05.678Z");

test("a large file that is empty now, or has shrunk below half, is suspect; a small one may change as it likes", () => {
  const rows: [before: number, now: number, suspect: boolean][] = [
    [5_000_000, 0, true],
    [1_000_000, 0, true],
    [1_000_000, 499_999, true],
    [1_000_000, 500_000, false],
    [1_000_000, 2_000_000, false],
    [999_999, 0, false],
    [0, 0, false],
  ];
  for (const [before, now, suspect] of rows) assert.equal(isSuspect(before, now), suspect, `${before} -> ${now}`);
});

test("each part of a way that is something else at home is passed by, and a link leads nowhere", (t) => {
  const home = mkdtempSync(join(tmpdir(), "vast-place-"));
  t.after(() => rmSync(home, { recursive: true, force: true }));
  writeFileSync(join(home, "file"), "");
  mkdirSync(join(home, "folder"));
  symlinkSync("/", join(home, "link"));
  symlinkSync("/etc/passwd", join(home, "last"));
  const stamp = "20261127T030405Z";
  assert.equal(besideName("a/b", AT), `a/b.from-${stamp}`);
  const rows: [name: string, place: string][] = [
    ["new/a/b", "new/a/b"],
    ["file", "file"],
    ["folder", `folder.from-${stamp}`],
    ["file/a", `file.from-${stamp}/a`],
    ["link/etc/passwd", "link/etc/passwd"],
    ["last", "last"],
  ];
  for (const [name, place] of rows) assert.equal(openWay(home, name, AT), place);
  assert.deepEqual(readdirSync(home).sort(), ["file", `file.from-${stamp}`, "folder", "link", "new"]);
});
