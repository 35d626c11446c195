import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import type { Facts } from "../../../cli/facts/facts.ts";
import { keepSeen, seenOf } from "../../../cli/facts/seen.ts";

const nothing: Facts = {
  ...{ stack: "dev", events: [], run: "vt-one", renting: "no" },
  ...{ instance: {}, market: {}, lease: {}, machine: {}, saved: {} },
};

test("answers are kept with their time, without the trouble of that day", (t) => {
  const dir = mkdtempSync(join(tmpdir(), "vast-seen-"));
  t.after(() => rmSync(dir, { recursive: true }));
  keepSeen(dir, "vt-one", {
    ...nothing,
    market: { value: { onDemand: 2 }, at: 5, why: "no network" },
    lease: { why: "no" },
  });
  assert.deepEqual(seenOf(dir, "vt-one"), { market: { value: { onDemand: 2 }, at: 5 } });
  assert.deepEqual(seenOf(dir, "vt-other"), {});
});

test("what another version has written is not read, and what is a month old goes", (t) => {
  const dir = mkdtempSync(join(tmpdir(), "vast-seen-"));
  t.after(() => rmSync(dir, { recursive: true }));
  writeFileSync(join(dir, "vt-one.json"), JSON.stringify({ shape: 0, market: { value: 7, at: 1 } }));
  assert.deepEqual(seenOf(dir, "vt-one"), {});
  utimesSync(join(dir, "vt-one.json"), 1, 1);
  keepSeen(dir, "vt-two", nothing);
  assert.deepEqual(readdirSync(dir), ["vt-two.json"]);
  keepSeen("/proc/nothing", "vt-two", nothing);
});
