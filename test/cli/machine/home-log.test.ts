import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { homeLogOf, showEnd } from "../../../cli/machine/home-log.ts";
import { noteRecord } from "../../../components/checkpoints/store/record.ts";
import type { Event } from "../../../components/events/event.ts";

function folder(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), "vast-home-log-"));
  t.after(() => rmSync(path, { recursive: true }));
  return path;
}

/** A log beside that folder of checkpoints, copied then; "" = nobody noted when. */
function copyTo(home: string, verifiedAt: string, name = "train.log"): string {
  const brought = `${home}.brought`;
  mkdirSync(brought, { recursive: true });
  writeFileSync(join(brought, name), "line\n");
  utimesSync(join(brought, name), 100, 100);
  const place = name === "train.log" ? {} : { place: name };
  if (verifiedAt !== "")
    noteRecord(brought, {
      verifiedAt,
      ended: null,
      files: new Map([["train.log", { size: 5, sha256: "a", ...place }]]),
    });
  return join(brought, name);
}

/** Of stack dev: a run of machine 7, and then one of machines 8 and 9. */
function log(...homes: readonly (readonly [instance: number, home: string])[]): Event[] {
  const rented = [7, 8, 9].map((instance): Event => {
    return {
      at: instance,
      actor: "a test",
      what: "rented",
      stack: "dev",
      run: instance === 7 ? "vt-old" : "vt-new",
      instance,
    };
  });
  const synced = homes.map(([instance, home], at): Event => {
    return { at: 100 + at, actor: "a test", what: "synced", run: instance === 7 ? "vt-old" : "vt-new", instance, home };
  });
  return [...rented, ...synced];
}

test("the log of the last machine of the last run, from wherever it was copied to last", (t) => {
  const dir = folder(t);
  const [one, two, three] = ["7", "8", "9"].map((name) => join(dir, name)) as [string, string, string];
  const other = join(dir, "elsewhere");
  copyTo(one, "2026-11-27T10:00:00Z");
  copyTo(two, "2026-11-27T14:00:00Z");
  const expected = copyTo(three, "2026-11-27T13:00:00Z");
  copyTo(other, "2026-11-27T12:00:00Z");
  const events = log([7, one], [8, two], [9, three], [9, other]);
  assert.deepEqual(homeLogOf(events, "dev"), { file: expected, copiedAt: Date.parse("2026-11-27T13:00:00Z") });
  assert.equal(homeLogOf(events, "other"), undefined);
  assert.equal(homeLogOf(log([9, join(dir, "nothing")]), "dev"), undefined);
});

test("a log that came home under another name, and one of which nobody noted when", (t) => {
  const dir = folder(t);
  const beside = copyTo(join(dir, "8"), "2026-11-27T13:00:00Z", "train.log.from-20261127T130000Z");
  assert.equal(homeLogOf(log([8, join(dir, "8")]), "dev")?.file, beside);
  copyTo(join(dir, "9"), "");
  assert.equal(homeLogOf(log([9, join(dir, "9")]), "dev")?.copiedAt, 100_000);
});

test("so many lines from the end are shown, without what was cut out", async (t) => {
  const file = join(folder(t), "train.log");
  writeFileSync(file, "one\ntwo\0\0\0\nthree\n");
  const shown = async (lines: number | "all") => {
    const chunks: Buffer[] = [];
    await showEnd({ file }, lines, async (bytes) => void chunks.push(bytes));
    return Buffer.concat(chunks).toString();
  };
  assert.equal(await shown(2), "two\nthree\n");
  assert.equal(await shown("all"), "one\ntwo\nthree\n");
  assert.equal(await shown(0), "");
});
