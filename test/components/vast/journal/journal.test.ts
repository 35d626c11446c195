import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { markOf, stateOf } from "../../../../components/lib/process.ts";
import { leaveWord } from "../../../../components/vast/journal/interrupt.ts";
import { holderOf, Journal, type Wish } from "../../../../components/vast/journal/journal.ts";

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
  assert.deepEqual(theirs.find("vt-a"), { ...wish, ...markOf() });
  ours.note("vt-a", 123);
  assert.equal(theirs.find("vt-a")?.instanceId, 123);
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

test("what is no intent is passed over", (t) => {
  const { dir, journal: ours } = journal(t);
  writeFileSync(join(dir, "vt-a.json"), "{");
  writeFileSync(join(dir, "vt-b.json"), "{}");
  writeFileSync(join(dir, "notes.txt"), "x");
  assert.equal(ours.find("vt-a"), undefined);
  assert.deepEqual(ours.listOpen(), []);
});

test("an interrupted process leaves its last words, until the intent is another's", (t) => {
  const { journal: ours } = journal(t);
  const words: string[] = [];
  ours.open({ ...wish, urn: "urn:pulumi:dev::p::t::n", perHour: 2 });
  leaveWord(ours, (text) => words.push(text));
  assert.match(words[0] ?? "", /what was being rented as vt-a may be there and costs up to \$2\.000\/h/);
  ours.note("vt-a", 123);
  assert.equal(ours.find("vt-a")?.left, undefined);
  leaveWord(ours, (text) => words.push(text));
  const left = ours.find("vt-a")?.left;
  assert.equal(words[1], `interrupted: ${left}`);
  assert.match(left ?? "", /^instance 123 \(vt-a\) is still there and costs up to \$2\.000\/h; this ends it: /);
  assert.match(left ?? "", /pulumi destroy -s dev, or vastai destroy instance 123$/);
});

test("nobody speaks for another process", (t) => {
  const { dir, journal: ours } = journal(t);
  ours.open(wish);
  const file = join(dir, "vt-a.json");
  writeFileSync(file, readFileSync(file, "utf8").replace(/"startedAt": "[^"]*"/, '"startedAt": "before"'));
  leaveWord(ours, (text) => assert.fail(text));
  assert.equal(ours.find("vt-a")?.left, undefined);
});

test("a process is told from a later one with its number", async () => {
  const child = spawn("sleep", ["1000"]);
  const mark = markOf(child.pid);
  assert.equal(stateOf(mark), "running");
  assert.equal(stateOf({ ...mark, startedAt: "another time" }), "ended");
  assert.equal(stateOf({ ...mark, host: "another-node" }), "elsewhere");
  child.kill("SIGKILL");
  await once(child, "exit");
  assert.equal(stateOf(mark), "ended");
  assert.equal(holderOf({ ...wish, ...mark }), "nobody");
  assert.equal(holderOf({ ...wish, ...markOf() }), "us");
});
