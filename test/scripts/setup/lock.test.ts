import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { projectDir } from "../../../scripts/lib/workspace.ts";

/** Processes that take the lock and note when they come and go. */
function workers(t: TestContext) {
  const folder = mkdtempSync(join(tmpdir(), "vast-lock-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const [lock, log] = [join(folder, "lock"), join(folder, "log")];
  writeFileSync(log, "");
  const code = `
    import { appendFileSync } from "node:fs";
    import { withLock } from ${JSON.stringify(join(projectDir, "scripts", "setup", "lock.mjs"))};
    const note = (word) => appendFileSync(${JSON.stringify(log)}, word + " " + process.pid + "\\n");
    await withLock(${JSON.stringify(lock)}, "busy", async () => {
      note("in");
      await new Promise((resolve) => setImmediate(resolve));
      note("out");
    });`;
  const start = () =>
    new Promise<void>((resolve, reject) => {
      const words = ["--input-type=module", "--eval", code];
      execFile(process.execPath, words, (error) => (error ? reject(error) : resolve()));
    });
  return { lock, start, lines: () => readFileSync(log, "utf8").trim().split("\n") };
}

test("a lock is held by one process at a time, and is gone afterwards", async (t) => {
  const { lock, start, lines } = workers(t);
  await Promise.all([1, 2, 3, 4].map(start));
  const seen = lines();
  assert.equal(seen.length, 8);
  for (let place = 0; place < seen.length; place += 2) {
    assert.equal(seen[place + 1], seen[place]?.replace("in", "out"));
  }
  assert.ok(!existsSync(lock));
});

test("a lock of a process that was killed is taken over by one", async (t) => {
  const { lock, start, lines } = workers(t);
  const dead = 2 ** 22 + 1; // more than a kernel hands out
  // The second is of one that was killed as it took over.
  for (const name of [lock, `${lock}.taking`]) writeFileSync(name, `${hostname()} ${dead}\n`);
  await Promise.all([1, 2, 3].map(start));
  const seen = lines();
  assert.equal(seen.length, 6);
  for (let place = 0; place < seen.length; place += 2) {
    assert.equal(seen[place + 1], seen[place]?.replace("in", "out"));
  }
  assert.ok(!existsSync(lock) && !existsSync(`${lock}.taking`));
});
