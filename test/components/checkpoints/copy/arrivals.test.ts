import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { Arrivals } from "../../../../components/checkpoints/copy/arrivals.ts";
import { Sums } from "../../../../components/checkpoints/store/sums.ts";

function openScene(t: TestContext, sizes: Readonly<Record<string, number>>) {
  const folder = mkdtempSync(join(tmpdir(), "arrivals-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const sums = new Sums();
  const path = (name: string) => join(folder, name);
  const arrivals = new Arrivals(folder, new Map(Object.entries(sizes)), sums);
  return { path, sums, arrivals, found: (name: string) => sums.of(Buffer.from(path(name))) };
}

const sumOf = (...parts: (string | Buffer)[]) => {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part);
  return hash.digest("hex");
};

/** How far this process has read an open file, bytes; undefined = it is not open. */
function readTo(path: string): number | undefined {
  for (const fd of readdirSync("/proc/self/fd")) {
    try {
      if (readlinkSync(`/proc/self/fd/${fd}`) !== path) continue;
      return Number(/^pos:\s*(\d+)/.exec(readFileSync(`/proc/self/fdinfo/${fd}`, "utf8"))?.[1]);
    } catch {
      // it has been closed
    }
  }
  return undefined;
}

async function until(is: () => boolean): Promise<void> {
  for (let looks = 0; !is(); looks++) {
    assert.ok(looks < 1200, "within a minute");
    await sleep(50);
  }
}

const MB = 1_000_000;

test("a large file is hashed while rsync still writes it", async (t) => {
  const part = Buffer.alloc(10 * MB, "a");
  const { path, arrivals, sums, found } = openScene(t, { "run/big": 20 * MB });
  mkdirSync(path("run"));
  const draft = path("run/.big.AbC123");
  writeFileSync(draft, part);
  arrivals.begin("run/big");
  await until(() => readTo(draft) === 10 * MB);
  appendFileSync(draft, part);
  await until(() => readTo(draft) === 20 * MB);
  renameSync(draft, path("run/big"));
  await arrivals.over();
  assert.equal(found("run/big"), sumOf(part, part));
  assert.ok(sums.isFlushed(Buffer.from(path("run/big"))));
  assert.equal(readTo(path("run/big")), undefined, "nothing stays open");
});

test("what is in place is hashed while the next comes, and the last of all at the end", async (t) => {
  const { path, arrivals, found } = openScene(t, { one: 3, two: 3 });
  arrivals.begin("one");
  writeFileSync(path("one"), "one");
  arrivals.begin("two");
  await until(() => found("one") === sumOf("one"));
  writeFileSync(path("two"), "two");
  await sleep(120);
  assert.equal(found("two"), undefined, "nobody has said that it is whole");
  await arrivals.over();
  assert.equal(found("two"), sumOf("two"));
});

test("what an interrupted copy has left is not taken for the file, and what never came has no sum", async (t) => {
  const { path, arrivals, found } = openScene(t, { big: 20 * MB, gone: 5 });
  writeFileSync(path(".big.oldold"), Buffer.alloc(20 * MB, "x"));
  arrivals.begin("big");
  await until(() => readTo(path(".big.oldold")) === 20 * MB);
  writeFileSync(path("big"), Buffer.alloc(20 * MB, "b"));
  arrivals.begin("gone");
  arrivals.begin("nobody asked for this");
  await arrivals.over();
  assert.equal(found("big"), sumOf(Buffer.alloc(20 * MB, "b")));
  assert.equal(found("gone"), undefined);
});

test("a file that is said to begin again and again is hashed once", async (t) => {
  const { path, arrivals, sums, found } = openScene(t, { one: 3 });
  writeFileSync(path("one"), "one");
  const note = t.mock.method(sums, "note");
  for (let times = 0; times < 5; times++) arrivals.begin("one");
  await arrivals.over();
  assert.equal(found("one"), sumOf("one"));
  assert.equal(note.mock.callCount(), 1);
});

test("a file that cannot be read is told at the end, whichever it is, and nothing stays open", async (t) => {
  const names = ["one", "two", "three", "four", "five", "six"];
  for (const bad of names) {
    const { path, arrivals } = openScene(t, Object.fromEntries(names.map((name) => [name, name.length])));
    for (const name of names) {
      if (name === bad) mkdirSync(path(name));
      else writeFileSync(path(name), name);
      arrivals.begin(name);
    }
    await assert.rejects(arrivals.over(), { code: "EISDIR" }, bad);
    for (const name of names) assert.equal(readTo(path(name)), undefined, `${name} with ${bad}`);
  }
});

test("given up, it lets go", async (t) => {
  const { path, arrivals } = openScene(t, { big: 20 * MB });
  writeFileSync(path(".big.AbC123"), "a part");
  arrivals.begin("big");
  await until(() => readTo(path(".big.AbC123")) !== undefined);
  arrivals.giveUp();
  await assert.rejects(arrivals.over(), { name: "AbortError" });
  assert.equal(readTo(path(".big.AbC123")), undefined);
});
