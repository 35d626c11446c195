import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { savedAtHome, savedOn, TEMPORARY } from "../../../cli/facts/saved.ts";
import type { ManifestFile } from "../../../components/checkpoints/manifest.ts";
import type { PullRecord } from "../../../components/checkpoints/store/record.ts";
import { projectDir } from "../../../scripts/lib/workspace.ts";

type Listed = Readonly<Record<string, readonly [size: number, time: number]>>;

function filesOf(listed: Listed): Map<string, ManifestFile> {
  const rows = Object.entries(listed).map(([name, [size, time]]) => {
    return [name, { size, sha256: null, onDisk: size, stamp: `1 ${time}.5 ${time}.5` }] as const;
  });
  return new Map(rows);
}

function recordOf(sizes: Readonly<Record<string, number>>): PullRecord {
  const files = Object.entries(sizes).map(([name, size]) => [name, { size, sha256: "a" }] as const);
  return { verifiedAt: "2026-11-27T14:00:00Z", ended: null, files: new Map(files) };
}

test("the newest checkpoint is the one that was written last, and all of its files count", () => {
  const files = filesOf({
    "step_100/model.pt": [5, 10],
    "step_20/a/0.pt": [7, 20],
    "step_20/b.pt": [1, 15],
    notes: [9, 1],
  });
  assert.deepEqual(savedOn(files, undefined), { name: "step_20", bytes: 8, isHome: false });
  assert.equal(savedOn(files, recordOf({ "step_20/a/0.pt": 7, "step_20/b.pt": 1 })).isHome, true);
  assert.equal(savedOn(files, recordOf({ "step_20/a/0.pt": 7 })).isHome, false, "a file is missing");
  assert.equal(savedOn(files, recordOf({ "step_20/a/0.pt": 6, "step_20/b.pt": 1 })).isHome, false, "another size");
});

test("a checkpoint has the name of its numbered folder, else of its folder, else its own", () => {
  const name = (file: string) => savedOn(filesOf({ [file]: [1, 1] }), undefined).name;
  assert.equal(name("run/checkpoint-500/model/shard.pt"), "run/checkpoint-500");
  assert.equal(name("lightning/epoch=3.ckpt"), "lightning/epoch=3.ckpt");
  assert.equal(name("out/model/weights.pt"), "out/model");
  assert.equal(name("ckpt.pt"), "ckpt.pt");
  assert.deepEqual(savedOn(new Map(), undefined), { name: null, bytes: 0, isHome: false });
});

test("what is still being saved is no checkpoint yet", () => {
  const files = filesOf({ "step_10/m": [1, 10], "step_20.partial/m": [1, 20], "step_15/m.tmp": [1, 30] });
  assert.equal(savedOn(files, undefined).name, "step_10");
  assert.equal(savedOn(filesOf({ "tmp-step_1/m": [1, 1] }), undefined).name, null);
  const onMachines = readFileSync(join(projectDir, "components/remote/newest.py"), "utf8");
  assert.ok(onMachines.includes(`r"${TEMPORARY.source}"`), "what a resumed training leaves out is the same");
});

test("at home the newest is the one whose file is, under whatever name it came", (t) => {
  const home = mkdtempSync(join(tmpdir(), "vast-saved-"));
  t.after(() => rmSync(home, { recursive: true }));
  for (const [name, time] of [
    ["step_1/m", 100],
    ["step_2/m.from-20261127T140000Z", 200],
  ] as const) {
    mkdirSync(dirname(join(home, name)), { recursive: true });
    writeFileSync(join(home, name), "x");
    utimesSync(join(home, name), time, time);
  }
  const files = new Map([
    ["step_1/m", { size: 1, sha256: "a" }],
    ["step_2/m", { size: 1, sha256: "b", place: "step_2/m.from-20261127T140000Z" }],
  ]);
  assert.equal(savedAtHome(home, { verifiedAt: "", ended: null, files }).name, "step_2");
  assert.equal(savedAtHome(home, undefined).name, null);
});
