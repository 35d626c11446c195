import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { diskError, onDisk } from "../../../components/lib/disk.ts";

test("what a file system refuses is a sentence with its path", (t) => {
  const folder = mkdtempSync(join(tmpdir(), "vast-disk-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, "file");
  writeFileSync(file, "");
  assert.throws(() => onDisk(`${file}/x`, () => readFileSync(`${file}/x`)), {
    name: "DiskError",
    code: "ENOTDIR",
    message: `${file}/x cannot be used: a part of the path is no folder (ENOTDIR)`,
  });
  assert.throws(() => onDisk("/dev/full", () => writeFileSync("/dev/full", "x")), {
    code: "ENOSPC",
    message: "/dev/full cannot be used: no room is left on its disk; make some (ENOSPC)",
  });
});

test("a full disk that does not say where is told all the same, once, and other errors stay what they are", () => {
  const full = Object.assign(new Error("ENOSPC: no space left on device, write"), { code: "ENOSPC", syscall: "write" });
  const sentence = diskError(full);
  assert.equal(sentence?.message, "a file cannot be used: no room is left on its disk; make some (ENOSPC)");
  assert.equal(diskError(sentence), sentence);
  for (const code of ["EPERM", "ENOTSUP", "EOPNOTSUPP", "ENOSYS"]) {
    const linkless = diskError(Object.assign(new Error(code), { code, syscall: "link" }), "/home/me/state/owner");
    assert.match(
      linkless?.message ?? "",
      /^\/home\/me\/state\/owner cannot be used: its disk has no hard links, .*\(E/,
    );
  }
  assert.equal(diskError(new TypeError("a mistake")), undefined);
  const refused = Object.assign(new Error("connect ECONNREFUSED"), { code: "ECONNREFUSED", syscall: "connect" });
  assert.equal(diskError(refused), undefined);
  assert.equal(
    onDisk("/x", () => 7),
    7,
  );
});
