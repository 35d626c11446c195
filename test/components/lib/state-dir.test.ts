import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { type TestContext, test } from "node:test";
import { openStateDir, stateDirPath } from "../../../components/lib/state-dir.ts";

function temporary(t: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), "state-dir-test-"));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

const modeOf = (path: string) => (statSync(path).mode & 0o777).toString(8);

const EVERYTHING = [
  "events",
  "failed",
  "journal",
  "ledger",
  "limits",
  "owner",
  "passed",
  "prices",
  "quotes",
  "seen",
  "ssh",
];

test("lies where the environment says, else under the home", () => {
  assert.equal(stateDirPath({ VAST_TRAINING_HOME: "/a/b", XDG_STATE_HOME: "/c", HOME: "/h" }), "/a/b");
  assert.equal(stateDirPath({ XDG_STATE_HOME: "/c", HOME: "/h" }), "/c/vast-training");
  assert.equal(stateDirPath({ HOME: "/h" }), "/h/.local/state/vast-training");
});

test("is made with everything in it, for nobody else, and stays the same", (t) => {
  const env = { VAST_TRAINING_HOME: join(temporary(t), "deep", "state") };
  const dir = openStateDir(env);
  assert.match(dir.owner, /^[a-z0-9]{8}$/);
  assert.deepEqual(readdirSync(dir.path).sort(), EVERYTHING);
  for (const path of [dir.path, dir.sshDir, dir.journalDir, dir.quotesDir, dir.pricesDir])
    assert.equal(modeOf(path), "700");
  assert.equal(modeOf(join(dir.path, "owner")), "600");
  assert.deepEqual(openStateDir(env), dir);
});

test("modes that have become too open are closed again", (t) => {
  const env = { VAST_TRAINING_HOME: temporary(t) };
  const dir = openStateDir(env);
  chmodSync(dir.path, 0o755);
  chmodSync(dir.sshDir, 0o777);
  chmodSync(join(dir.path, "owner"), 0o644);
  openStateDir(env);
  assert.deepEqual([dir.path, dir.sshDir, join(dir.path, "owner")].map(modeOf), ["700", "700", "600"]);
});

test("an owner that is none stops everything: what was rented under the old one would be lost", (t) => {
  const path = temporary(t);
  writeFileSync(join(path, "owner"), "");
  assert.throws(() => openStateDir({ VAST_TRAINING_HOME: path }), /owner should hold eight characters/);
});

test("processes that open it at once agree on the owner", async (t) => {
  const path = join(temporary(t), "state");
  const module = new URL("../../../components/lib/state-dir.ts", import.meta.url).href;
  const code = `import(${JSON.stringify(module)}).then((m) => console.log(m.openStateDir().owner))`;
  const owners = await Promise.all(
    Array.from({ length: 6 }, async () => {
      const child = spawn(process.execPath, ["-e", code], { env: { ...process.env, VAST_TRAINING_HOME: path } });
      return (await text(child.stdout)).trim();
    }),
  );
  assert.deepEqual(new Set(owners), new Set([readFileSync(join(path, "owner"), "utf8").trim()]));
  assert.deepEqual(readdirSync(path).sort(), EVERYTHING);
});
