import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { type TestContext, test } from "node:test";
import type { Contents } from "../../../../components/checkpoints/store/files.ts";
import { recordOf } from "../../../../components/checkpoints/store/record.ts";
import { Store } from "../../../../components/checkpoints/store/store.ts";
import { isRemoteError } from "../../../../components/ssh/remote-error.ts";

const AT = new Date("2026-11-27T03:04:05Z");
const ASIDE = "from-20261127T030405Z";

function homeOf(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), "vast-store-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return join(folder, "7");
}

function put(folder: string, name: string, text: string | Buffer): void {
  mkdirSync(dirname(join(folder, name)), { recursive: true });
  writeFileSync(join(folder, name), text);
}

function contentsOf(files: Readonly<Record<string, string | Buffer>>): Contents {
  const rows = Object.entries(files).map(([name, text]): [string, { size: number; sha256: string }] => {
    return [name, { size: Buffer.byteLength(text), sha256: createHash("sha256").update(text).digest("hex") }];
  });
  return new Map(rows);
}

/** One pull: what the machine has is copied and taken. */
async function bring(home: string, files: Readonly<Record<string, string | Buffer>>, keepPrevious = 1) {
  const store = await Store.open(home, { what: "a pull", keepPrevious, at: AT });
  try {
    const contents = contentsOf(files);
    const lacking = await store.lacking(contents);
    for (const name of lacking) put(store.incoming, name, files[name] ?? "");
    store.begin(contents, lacking);
    const wrong = await store.take(contents, lacking, () => {});
    const marked = store.mark(new Set(Object.keys(files)), new Set(wrong));
    store.finish(contents, null);
    return { lacking, wrong, marked, beside: store.beside };
  } finally {
    store.close();
  }
}

const text = (path: string) => readFileSync(path, "utf8");

test("what comes home takes its name, and what was verified before stays as its predecessor", async (t) => {
  const home = homeOf(t);
  await bring(home, { "last.pt": "one", "step_1/a": "a" });
  await bring(home, { "last.pt": "two", "step_1/a": "a" });
  assert.equal(text(join(home, "last.pt")), "two");
  assert.equal(text(`${home}.previous/1/last.pt`), "one");
  assert.deepEqual((await bring(home, { "last.pt": "two", "step_1/a": "a" })).lacking, [], "nothing comes twice");
  assert.equal(text(`${home}.previous/1/last.pt`), "one", "and nothing is displaced for nothing");
  await bring(home, { "last.pt": "three" });
  assert.deepEqual([text(join(home, "last.pt")), text(`${home}.previous/1/last.pt`)], ["three", "two"]);
  assert.equal(existsSync(`${home}.previous/2`), false);
  assert.equal(text(join(home, "step_1/a")), "a", "what the machine has no more is still at home");
  assert.equal(existsSync(`${home}.incoming`), false);
});

test("as many predecessors stay as are asked for", async (t) => {
  const home = homeOf(t);
  for (const version of ["1", "2", "3", "4", "5"]) await bring(home, { "a/last.pt": version }, 3);
  const kept = [1, 2, 3].map((number) => text(`${home}.previous/${number}/a/last.pt`));
  assert.deepEqual([text(join(home, "a/last.pt")), ...kept], ["5", "4", "3", "2"]);
  assert.deepEqual(readdirSync(`${home}.previous`), ["1", "2", "3"]);
  const none = join(home, "..", "8");
  for (const version of ["1", "2"]) await bring(none, { last: version }, 0);
  assert.equal(existsSync(`${none}.previous`), false);
});

test("a damaged file is mended, and does not pass for a predecessor", async (t) => {
  const home = homeOf(t);
  await bring(home, { last: "one" });
  await bring(home, { last: "two" });
  writeFileSync(join(home, "last"), "odd");
  await bring(home, { last: "two" });
  assert.deepEqual([text(join(home, "last")), text(`${home}.previous/1/last`)], ["two", "one"]);
});

test("a large file that has become empty or half as large comes home beside, once, and displaces nothing", async (t) => {
  const home = homeOf(t);
  const whole = Buffer.alloc(1_000_000, 1);
  await bring(home, { "step_1/last.pt": whole });
  const { beside } = await bring(home, { "step_1/last.pt": "" });
  assert.deepEqual(beside, [
    `step_1/last.pt came home as step_1/last.pt.${ASIDE}: it has 0 bytes on the machine now and had 1.0 MB when it was verified, which stays`,
  ]);
  assert.equal(statSync(join(home, "step_1/last.pt")).size, 1_000_000);
  assert.equal(existsSync(`${home}.previous`), false);
  assert.deepEqual((await bring(home, { "step_1/last.pt": "" })).lacking, [], "it is known by then");
  await bring(home, { "step_1/last.pt": Buffer.alloc(400_000, 2) });
  assert.equal(statSync(join(home, "step_1/last.pt")).size, 1_000_000);
  await bring(home, { "step_1/last.pt": Buffer.alloc(900_000, 3) });
  assert.equal(statSync(join(home, "step_1/last.pt")).size, 900_000, "one of a fitting size takes its name again");
  assert.equal(statSync(`${home}.previous/1/step_1/last.pt`).size, 1_000_000);
});

test("a folder that became a file, and the reverse, come home beside each other, once", async (t) => {
  const home = homeOf(t);
  await bring(home, { "a/x": "in a folder", b: "a file" });
  const now = { a: "a file", "b/x": "in a folder" };
  assert.equal((await bring(home, now)).beside.length, 2);
  assert.deepEqual([text(join(home, "a/x")), text(join(home, "b"))], ["in a folder", "a file"]);
  assert.equal(text(join(home, `a.${ASIDE}`)), "a file");
  assert.equal(text(join(home, `b.${ASIDE}`, "x")), "in a folder");
  assert.deepEqual((await bring(home, now)).lacking, []);
});

test("what arrived as something else takes no place, and its folder is marked until it is whole", async (t) => {
  const home = homeOf(t);
  const store = await Store.open(home, { what: "a pull", at: AT });
  const contents = contentsOf({ "step_1/a": "a", "step_1/b": "b", log: "log" });
  put(store.incoming, "step_1/a", "a");
  put(store.incoming, "step_1/b", "x");
  const wrong = await store.take(contents, [...contents.keys()], () => {});
  assert.deepEqual(wrong, ["step_1/b", "log"]);
  assert.deepEqual(store.mark(new Set(contents.keys()), new Set(wrong)), ["step_1 (1 of 2 files)"]);
  store.close();
  assert.match(
    text(join(home, "step_1/INCOMPLETE.by-vast-run.txt")),
    /^Of 2 files that the machine had in this folder these were not here at 2026.*:\n {2}step_1\/b\n$/,
  );
  assert.deepEqual(readdirSync(join(home, "step_1")).sort(), ["INCOMPLETE.by-vast-run.txt", "a"]);
  assert.deepEqual((await bring(home, { "step_1/a": "a", "step_1/b": "b" })).marked, []);
  assert.deepEqual(readdirSync(join(home, "step_1")).sort(), ["a", "b"]);
});

test("only our own mark is taken away: one that lies on the machine comes home as any file does, and stays", async (t) => {
  const home = homeOf(t);
  const files = { "step_1/a": "a", "step_1/INCOMPLETE.by-vast-run.txt": "of an earlier run" };
  for (let times = 0; times < 2; times++) {
    const { marked } = await bring(home, files);
    assert.deepEqual(marked, []);
    assert.equal(text(join(home, "step_1/INCOMPLETE.by-vast-run.txt")), "of an earlier run");
  }
  assert.deepEqual((await bring(home, files)).lacking, []);
  assert.equal(existsSync(`${home}.previous`), false, "nothing took its place meanwhile");
});

test("a folder whose files are just taking their places is marked, and so is what it lies in", async (t) => {
  const home = homeOf(t);
  const store = await Store.open(home, { what: "a pull", at: AT });
  const files = { "step_1/rank_0/a": "a", "step_1/rank_1/b": "b", last: "l" };
  const contents = contentsOf(files);
  for (const [name, content] of Object.entries(files)) put(store.incoming, name, content);
  store.begin(contents, [...contents.keys()]);
  await store.take(contents, ["step_1/rank_0/a"], () => {});
  store.close(); // as if it had been killed here
  for (const folder of ["step_1", "step_1/rank_0", "step_1/rank_1"])
    assert.ok(existsSync(join(home, folder, "INCOMPLETE.by-vast-run.txt")), folder);
  assert.deepEqual((await bring(home, files)).marked, []);
  assert.deepEqual(readdirSync(join(home, "step_1"), { recursive: true }).sort(), [
    "rank_0",
    "rank_0/a",
    "rank_1",
    "rank_1/b",
  ]);
});

test("what took its place in a pull that never ended is as verified as any other", async (t) => {
  const home = homeOf(t);
  await bring(home, { "last.pt": Buffer.alloc(2_000_000, 1) });
  const store = await Store.open(home, { what: "a pull", at: AT });
  const second = Buffer.alloc(2_000_000, 2);
  const contents = contentsOf({ "last.pt": second });
  put(store.incoming, "last.pt", second);
  store.begin(contents, ["last.pt"]);
  await store.take(contents, ["last.pt"], () => {});
  store.close(); // as if it had been killed here: no record says what is home
  await bring(home, { "last.pt": "" });
  assert.ok(readFileSync(join(home, "last.pt")).equals(second), "nothing empty takes its place");
  await bring(home, { "last.pt": Buffer.alloc(2_000_000, 3) });
  assert.ok(readFileSync(`${home}.previous/1/last.pt`).equals(second), "and it stays as a predecessor");
  assert.equal(existsSync(`${home}.coming.json`), false);
});

test("of a checkpoint that never came nothing is left", async (t) => {
  const home = homeOf(t);
  const store = await Store.open(home, { what: "a pull", at: AT });
  const names = new Set(["step_1/rank_0/a"]);
  store.begin(new Map(), [...names]);
  assert.deepEqual(store.mark(names, names), []);
  store.close();
  assert.deepEqual(readdirSync(home), []);
});

test("who has lost the lock puts nothing into its place any more", async (t) => {
  const home = homeOf(t);
  await bring(home, { last: "verified" });
  const slow = await Store.open(home, { what: "vast-run sync", at: AT });
  const contents = contentsOf({ last: "older" });
  put(slow.incoming, "last", "older");
  const destroy = await Store.open(home, { what: "pulumi destroy", silenceMs: 0 });
  const isLost = (error: unknown) => isRemoteError(error, "failed") && /taken over/.test((error as Error).message);
  await assert.rejects(
    slow.take(contents, ["last"], () => {}),
    isLost,
  );
  put(home, "a/b", "b");
  assert.throws(() => slow.mark(new Set(["a/b"]), new Set(["a/b"])), isLost);
  assert.throws(() => slow.finish(contents, null), isLost);
  slow.close();
  assert.equal(text(join(home, "last")), "verified");
  assert.equal(recordOf(home)?.files.get("last")?.size, 8);
  destroy.close();
});

test("a lock that cannot be made is a sentence with its path", async (t) => {
  const home = homeOf(t);
  writeFileSync(`${home}.lock`, "a file");
  await assert.rejects(Store.open(home, { what: "a pull" }), (error) => {
    assert.ok(isRemoteError(error, "failed"));
    assert.equal(error.message, `${home}.lock cannot be written to (EEXIST)`);
    return true;
  });
});

test("a folder that cannot be written to is said to be so", async (t) => {
  const home = homeOf(t);
  writeFileSync(home, "a file");
  await assert.rejects(Store.open(home, { what: "a pull" }), (error) => isRemoteError(error, "failed"));
});
