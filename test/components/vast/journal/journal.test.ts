import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { markOf } from "../../../../components/programs/process.ts";
import { Journal, type Wish } from "../../../../components/vast/journal/journal.ts";

function journal(t: TestContext) {
  const dir = mkdtempSync(join(tmpdir(), "vast-journal-test-"));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  return { dir, journal: new Journal(dir) };
}

const wish: Wish = { label: "vt-a", urn: "urn:x", apiUrl: "simulator", apiKeyFile: "", offerId: 7, at: 1000 };

test("an intent is there for others, until it is closed", (t) => {
  const { dir, journal: ours } = journal(t);
  ours.open(wish);
  const theirs = new Journal(dir);
  assert.deepEqual(theirs.find("vt-a"), { ...wish, ...markOf(), instanceIds: [] });
  ours.note("vt-a", 123);
  assert.deepEqual(theirs.find("vt-a")?.instanceIds, [123]);
  assert.deepEqual(
    theirs.listOpen().map(({ label }) => label),
    ["vt-a"],
  );
  theirs.close("vt-a");
  theirs.close("vt-a");
  assert.equal(ours.find("vt-a"), undefined);
  assert.deepEqual(readdirSync(dir), []);
});

test("files are for the owner alone, and named by the label", (t) => {
  const { dir, journal: ours } = journal(t);
  ours.open({ ...wish, label: "../odd label" });
  assert.deepEqual(readdirSync(dir), ["..%2Fodd%20label.json"]);
  assert.equal(statSync(join(dir, "..%2Fodd%20label.json")).mode & 0o777, 0o600);
  assert.equal(ours.find("../odd label")?.offerId, 7);
});

test("an instance that the state has closes its intent, and no other", (t) => {
  const { journal: ours } = journal(t);
  ours.open(wish);
  ours.note("vt-a", 123);
  ours.open({ ...wish, label: "vt-b" });
  ours.closeInstance(124);
  ours.closeInstance(123);
  assert.deepEqual(
    ours.listOpen().map(({ label }) => label),
    ["vt-b"],
  );
});

test("what may live is never overwritten, and each instance is closed by itself", (t) => {
  const { dir, journal: ours } = journal(t);
  ours.open(wish);
  ours.open({ ...wish, offerId: 8 });
  assert.equal(ours.find("vt-a")?.offerId, 8, "one that never left may be sent again");
  ours.note("vt-a", 123);
  assert.throws(() => ours.open(wish), /nothing is rented before what was begun as vt-a is settled/);
  ours.note("vt-a", 124);
  assert.deepEqual(ours.find("vt-a")?.instanceIds, [123, 124]);
  assert.deepEqual(
    ["vt-a", "vt-b"].map((label) => ours.isOfAnother(123, label)),
    [false, true],
  );
  ours.closeInstance(123);
  assert.deepEqual(ours.find("vt-a")?.instanceIds, [124]);
  ours.closeInstance(124);
  assert.deepEqual(readdirSync(dir), []);
  writeFileSync(join(dir, "vt-a.json"), JSON.stringify({ ...wish, ...markOf(), startedAt: "before" }));
  assert.throws(() => ours.open(wish), /nothing is rented before/, "another process's");
});

test("what an earlier version noted is read", (t) => {
  const { dir, journal: ours } = journal(t);
  writeFileSync(join(dir, "vt-a.json"), JSON.stringify({ ...wish, ...markOf(), instanceId: 7 }));
  assert.deepEqual(ours.find("vt-a")?.instanceIds, [7]);
  ours.closeInstance(7);
  assert.deepEqual(ours.listOpen(), []);
});

test("what cannot be read is told to whoever needs it, and hides nothing else", (t) => {
  const { dir, journal: ours } = journal(t);
  ours.open({ ...wish, label: "vt-c" });
  writeFileSync(join(dir, "vt-a.json"), "{");
  writeFileSync(join(dir, "vt-b.json"), "{}");
  writeFileSync(join(dir, "notes.txt"), "x");
  mkdirSync(join(dir, "vt-d.json"));
  for (const label of ["vt-a", "vt-b", "vt-d"]) {
    const text = `${join(dir, `${label}.json`)} cannot be read`;
    assert.throws(() => ours.find(label), new RegExp(text));
    assert.throws(() => ours.open({ ...wish, label }), new RegExp(text));
    assert.ok(
      ours.unreadable().some((line) => line.startsWith(text)),
      text,
    );
  }
  assert.equal(ours.unreadable().length, 3);
  assert.deepEqual(
    ours.listOpen().map(({ label }) => label),
    ["vt-c"],
  );
});

test("a label that is new, or was settled, is known until it is forgotten", (t) => {
  const { dir, journal: ours } = journal(t);
  assert.equal(ours.isKnown("vt-a"), false);
  ours.begin("vt-a");
  assert.equal(ours.isKnown("vt-a"), true);
  assert.deepEqual([ours.find("vt-a"), ours.listOpen(), ours.unreadable()], [undefined, [], []]);
  ours.open(wish);
  ours.note("vt-a", 123);
  ours.note("vt-a", 124);
  assert.equal(ours.isKnown("vt-a"), true);
  ours.closeInstance(123);
  ours.closeInstance(124);
  assert.equal(ours.find("vt-a"), undefined);
  assert.deepEqual(
    [ours.isKnown("vt-a"), ours.isOfAnother(123, "vt-b"), ours.isOfAnother(124, "vt-b")],
    Array(3).fill(true),
  );
  ours.open(wish);
  ours.forget("vt-a");
  assert.deepEqual([ours.isKnown("vt-a"), ours.find("vt-a")?.offerId], [false, 7], "what is open stays");
  ours.close("vt-a");
  assert.deepEqual(readdirSync(dir), []);
});
