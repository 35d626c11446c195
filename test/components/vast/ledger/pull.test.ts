import assert from "node:assert/strict";
import { test } from "node:test";
import type { ImageContents } from "../../../../components/registry/manifest.ts";
import type { Line } from "../../../../components/vast/ledger/line.ts";
import { digestIn, pullOf } from "../../../../components/vast/ledger/pull.ts";
import { standingsOf } from "../../../../components/vast/ledger/standing.ts";

const NOW = Date.UTC(2026, 4, 20);
const DAY = 86_400_000;

const digestOf = (letter: string) => `sha256:${letter.repeat(64)}`;
const layers = (...bytes: number[]): ImageContents => ({
  configBytes: 1,
  layers: bytes.map((each) => ({ digest: `sha256:${each}`, bytes: each })),
});
/** a is ours; b is its base; c shares the lowest layer; d shares nothing; e was never looked for. */
const known: Record<string, ImageContents> = {
  [digestOf("a")]: layers(100, 1000, 5),
  [digestOf("b")]: layers(100, 1000),
  [digestOf("c")]: layers(100, 7),
  [digestOf("d")]: layers(8),
};

/** A machine's days in which it was last known to have an image. */
const had = (machineId: number, letter: string, days: number, gpus = 1): Line => ({
  ...{ at: NOW - days * DAY, api: "00000000", machineId, gpus },
  ...{ what: "served", hours: 1, pulled: digestOf(letter) },
});

const image = `me/it@${digestOf("a")}`;
const pull = (lines: Line[], cachedBase = "", asked = image) =>
  pullOf({ image: asked, imageBytes: 1106, cachedBase }, standingsOf(lines, NOW), (digest) => known[digest]);

test("of a base what is not in common is left; one that has nothing in common, or was never read, saves nothing", () => {
  assert.equal(pull([], `vastai/pytorch:x@${digestOf("b")}`).besideBase, 6);
  assert.equal(pull([], `vastai/pytorch@${digestOf("a")}`).besideBase, 0);
  for (const base of ["", `x/d@${digestOf("d")}`, `x/e@${digestOf("e")}`, "vastai/pytorch:x"])
    assert.equal(pull([], base).besideBase, null, base);
  assert.equal(pull([], `b@${digestOf("b")}`, "me/it:tag").besideBase, null, "an image that is not pinned");
  assert.equal(pull([], `b@${digestOf("b")}`, `me/it@${digestOf("e")}`).besideBase, null);
});

test("a machine has what it ran for us, with however many of its GPUs, and the most of it counts", () => {
  const lines = [had(1, "a", 1), had(2, "c", 1), had(2, "b", 2, 4), had(3, "d", 1), had(4, "e", 1)];
  const { bytes, besideBase, onMachines } = pull(lines);
  assert.deepEqual([bytes, besideBase], [1106, null]);
  assert.deepEqual(Object.fromEntries(onMachines), { 1: 0, 2: 6 });
});

test("the same image counts though its layers were never looked for", () => {
  assert.deepEqual(Object.fromEntries(pull([had(4, "e", 1)], "", `me/it@${digestOf("e")}`).onMachines), { 4: 0 });
});

test("a week after it was last known to have it a machine does not count any more", () => {
  assert.equal(pull([had(1, "a", 7)]).onMachines.size, 0);
  assert.equal(pull([had(1, "a", 7), had(1, "a", 6.9)]).onMachines.size, 1);
  const ready: Line = { ...had(1, "a", 6), what: "ready", bootSeconds: 9, pulled: digestOf("a") } as Line;
  assert.equal(pull([ready]).onMachines.size, 1);
});

test("only a pinned image has a digest", () => {
  assert.equal(digestIn(`a/b:c@${digestOf("a")}`), digestOf("a"));
  for (const name of ["a/b:c", "", "a/b@sha256:0", "A B"]) assert.equal(digestIn(name), undefined);
});
