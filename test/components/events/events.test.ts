import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { appendFileSync, mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { promisify } from "node:util";
import { Events } from "../../../components/events/events.ts";

function folder(t: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), "vast-events-test-"));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

function open(dir: string, say: (text: string) => void = assert.fail) {
  let now = 1_000_000;
  return new Events(dir, { now: () => now++, say, program: "test", stack: "dev" });
}

const kinds = (events: Events) => events.read().events.map(({ what }) => what);

test("what happens is noted with its run, its time and who says so, also where only the instance is known", (t) => {
  const events = open(folder(t));
  events.note({ what: "rented", run: "vt-one", instance: 7, gpuPerHour: 2 });
  events.note({ what: "released", instance: 7 });
  const [rented, released] = events.read().events;
  assert.deepEqual([rented?.run, rented?.stack, rented?.at, rented?.gpuPerHour], ["vt-one", "dev", 1_000_000, 2]);
  assert.equal(released?.run, "vt-one");
  assert.match(released?.actor ?? "", new RegExp(`^test ${process.pid}@`));
});

test("what each run of a program finds again is noted once, and anew when it has changed", (t) => {
  const events = open(folder(t));
  for (const until of [5, 5, 6, 5]) events.noteOnce({ what: "lease moved", instance: 7, until });
  assert.deepEqual(
    events.read().events.map(({ until }) => until),
    [5, 6, 5],
  );
  for (const instance of [7, 7, 8]) events.noteFirst({ what: "rented", instance });
  assert.equal(kinds(events).filter((what) => what === "rented").length, 2);
});

test("lines that cannot be read are skipped and counted", (t) => {
  const dir = folder(t);
  const events = open(dir);
  events.note({ what: "rented", run: "vt-one", instance: 7 });
  const [name = ""] = readdirSync(dir);
  appendFileSync(join(dir, name), '{"at":1,\nnonsense\n{"at":1,"actor":"x","what":"exploded"}\n');
  events.note({ what: "ready", instance: 7 });
  assert.deepEqual(kinds(events), ["rented", "ready"]);
  assert.equal(events.read().unreadable, 3);
});

test("a log that takes nothing is said once, and stops nothing", () => {
  const said: string[] = [];
  const events = open("/proc/nothing/here", (text) => said.push(text));
  for (let count = 0; count < 3; count++) events.note({ what: "ready", instance: 7 });
  events.noteOnce({ what: "ready", instance: 7 });
  assert.equal(said.length, 1, said.join("\n"));
  assert.match(said[0] ?? "", /^what happens cannot be noted in the log of events: /);
});

test("several processes that write at once lose nothing of a run that lives, however much they write", async (t) => {
  const dir = folder(t);
  open(dir).note({ what: "rented", run: "vt-living", instance: 1, gpuPerHour: 2, diskPerHour: 0.1 });
  const module = new URL("../../../components/events/events.ts", import.meta.url).href;
  const code = `import(${JSON.stringify(module)}).then(({ Events }) => {
    const [, dir, first] = process.argv;
    const events = new Events(dir, { now: Date.now, say: (text) => { throw new Error(text); }, program: "test" });
    for (let id = Number(first); id < Number(first) + 350; id++) {
      const run = "vt-run-" + id;
      events.note({ what: "rented", run, instance: id, gpuPerHour: 2, diskPerHour: 0.1, reason: "x".repeat(190) });
      events.note({ what: "failed", run, instance: id, reason: "y".repeat(190) });
      events.note({ what: "released", run, instance: id });
    }
  })`;
  const writers = [1000, 2000].map((first) => promisify(execFile)(process.execPath, ["-e", code, dir, String(first)]));
  await Promise.all(writers);
  const { events, unreadable } = open(dir).read();
  assert.equal(unreadable, 0);
  assert.ok(events.some(({ run, what }) => run === "vt-living" && what === "rented"));
  const bytes = readdirSync(dir).reduce((sum, name) => sum + statSync(join(dir, name)).size, 0);
  assert.ok(bytes < 600 * 1024, `${bytes}`);
  // Every run is there, as it was written or as one line.
  for (const run of ["vt-run-1349", "vt-run-2349"]) {
    const of = events.filter((event) => event.run === run);
    assert.ok(of.length === 3 || of[0]?.what === "folded", JSON.stringify(of));
  }
  const folds = events.filter(({ what }) => what === "folded");
  assert.ok(folds.length > 0);
  assert.equal(new Set(folds.map(({ run }) => run)).size, folds.length);
});
