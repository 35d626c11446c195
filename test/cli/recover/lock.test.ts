import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { locksOf, ownerOf, type StackLock } from "../../../cli/recover/lock.ts";
import { processOf } from "../../../components/programs/process.ts";

/** A backend in a folder, with one lock as Pulumi 3.259 writes it. */
function lockedBackend(t: TestContext): string {
  const root = mkdtempSync(join(tmpdir(), "vast-lock-test-"));
  t.after(() => rmSync(root, { recursive: true, force: true }));
  const folder = join(root, ".pulumi", "locks", "organization", "p", "dev");
  mkdirSync(folder, { recursive: true });
  const lock = { pid: 18176, username: "me", hostname: "login1", timestamp: "2026-11-24T13:30:46.850529188Z" };
  writeFileSync(join(folder, "b3904cd9.json"), JSON.stringify(lock));
  writeFileSync(join(folder, "b3904cd9.json.attrs"), "{}");
  return root;
}

test("locks are found in every spelling of a folder, and nowhere else", (t) => {
  const root = lockedBackend(t);
  const place = { cwd: root, project: "p", stack: "dev" };
  const lock: StackLock = { pid: 18176, user: "me", host: "login1", since: Date.parse("2026-11-24T13:30:46.850Z") };
  for (const backend of [`file://${root}`, "file://.", "file://./", "file://~", `file://${root}?no_tmp_dir=true`]) {
    assert.deepEqual(locksOf({ ...place, backend }, { HOME: root }), [lock], backend);
  }
  assert.deepEqual(locksOf({ ...place, backend: `file://${root}`, stack: "other" }, {}), []);
  assert.deepEqual(locksOf({ ...place, backend: `file://${root}/none` }, {}), []);
  for (const backend of ["s3://bucket", "https://api.pulumi.com/"]) {
    assert.equal(locksOf({ ...place, backend }, {}), undefined);
  }
});

test("the owner of a lock has ended only when that is certain", () => {
  const lock: StackLock = { pid: 7, user: "me", host: "login1", since: 1_000_000 };
  const owner = (name: string, startedAt: number) => ownerOf(lock, "login1", () => ({ name, startedAt }));
  assert.equal(
    ownerOf(lock, "login1", () => undefined),
    "ended",
  );
  assert.equal(ownerOf(lock, "login2"), "elsewhere");
  assert.equal(owner("pulumi", 999_000), "running");
  assert.equal(owner("renamed", 999_000), "running");
  assert.equal(owner("bash", 1_060_000), "ended", "the number is another's now");
  assert.equal(owner("pulumi", 1_060_000), "running", "the clock may have been set");
});

test("a process tells its name and when it started", async (t) => {
  const before = Date.now();
  const child = spawn("sleep", ["1000"], { stdio: "ignore" });
  const after = Date.now();
  t.after(async () => {
    child.kill("SIGKILL");
    if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
  });
  const found = processOf(child.pid ?? 0);
  assert.equal(found?.name, "sleep");
  // The kernel tells in whole seconds when it has started itself.
  const SLACK = 2000;
  assert.ok(
    found.startedAt > before - SLACK && found.startedAt < after + SLACK,
    `${before}, ${found.startedAt}, ${after}`,
  );
  assert.equal(processOf(2 ** 22 + 1), undefined);
});
