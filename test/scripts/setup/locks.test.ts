import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { leftLocks } from "../../../scripts/setup/locks.mjs";

test("a stack whose command was killed is named, one at which somebody works is not", (t) => {
  const backend = mkdtempSync(join(tmpdir(), "vast-locks-"));
  t.after(() => rmSync(backend, { recursive: true }));
  const ended = 2 ** 22 + 1; // more than a kernel hands out
  const lock = (stack: string, pid: unknown, host = hostname()) => {
    const folder = join(backend, ".pulumi", "locks", "organization", "it", stack);
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, "a.json"), JSON.stringify({ pid, username: "me", hostname: host, timestamp: "2026" }));
  };
  lock("killed", ended);
  lock("busy", process.pid);
  lock("elsewhere", ended, "another-node");
  lock("odd", "x");
  assert.deepEqual(leftLocks(`file://${backend}`, "it"), ["killed"]);
  assert.deepEqual(leftLocks(`file://${backend}?no_tmp_dir=true`, "it"), ["killed"]);
  assert.deepEqual(leftLocks(`file://${backend}`, "other"), []);
  for (const url of ["s3://mine", undefined, "file://~/x"]) assert.deepEqual(leftLocks(url, "it"), [], url);
});
