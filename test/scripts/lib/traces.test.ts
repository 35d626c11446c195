import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { folderInMemory, leftoversIn, newLines, processesWith } from "../../../scripts/lib/traces.ts";

test("only what is new in git status counts", () => {
  assert.deepEqual(newLines(" M a\n?? b\n", " M a\n?? b\n"), []);
  assert.deepEqual(newLines(" M a\n", " M a\n?? c\n M d\n"), ["?? c", " M d"]);
});

test("files that are left are named, Pulumi's own are not", (t) => {
  const folder = mkdtempSync(join(tmpdir(), "vast-traces-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  for (const name of ["vast-left", "pulumi-node-pipes123"]) writeFileSync(join(folder, name), "");
  const memory = folderInMemory(folder);
  t.after(() => rmSync(memory, { recursive: true, force: true }));
  assert.deepEqual(leftoversIn(folder), [`file ${join(folder, "vast-left")}`, `file ${memory}`]);
});

test("a process without our environment is found by the folder it works in", {
  skip: !existsSync("/proc"),
}, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "vast-traces-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  symlinkSync(process.execPath, join(folder, "program"));
  const child = spawn(join(folder, "program"), ["--eval", "console.log(1); process.stdin.resume()"], { env: {} });
  t.after(() => child.kill("SIGKILL"));
  await once(child.stdout, "data");
  assert.deepEqual(processesWith("NOBODY=has this", folder), [child.pid]);
  assert.deepEqual(processesWith("NOBODY=has this"), []);
});

test("a process is found by its environment, while it lives", { skip: !existsSync("/proc") }, async (t) => {
  const entry = `TRACES_TEST=${randomUUID()}`;
  const child = spawn(process.execPath, ["--eval", "console.log(1); process.stdin.resume()"], {
    env: { TRACES_TEST: entry.slice(entry.indexOf("=") + 1) },
  });
  t.after(() => child.kill("SIGKILL"));
  await once(child.stdout, "data");
  assert.deepEqual(processesWith(entry), [child.pid]);
  child.stdin.end();
  await once(child, "close");
  assert.deepEqual(processesWith(entry), []);
});
