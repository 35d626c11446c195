import assert from "node:assert/strict";
import { lstatSync, mkdirSync, mkdtempSync, readlinkSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { linkTarget, placeLinks, refusedText } from "../../../components/checkpoints/links.ts";

const cases: [name: string, end: string, target: string][] = [
  ["latest", "step_1", "step_1"],
  ["latest", "", "."],
  ["snapshots/a/model", "blobs/b", "../../blobs/b"],
  ["a/b", "", ".."],
  ["a/b", "a", "."],
  ["a/b", "a/c/d", "c/d"],
  ["a", "a", "a"],
  ["run 1/\n", "run 2/\xff", "../run 2/\xff"],
];

for (const [name, end, target] of cases) {
  test(`a link ${JSON.stringify(name)} that ends at ${JSON.stringify(end)} goes there straight`, () => {
    assert.equal(linkTarget(name, end), target);
  });
}

test("what a refused link leads to is a clause that does nothing to a terminal", () => {
  assert.equal(
    refusedText({ name: "run\u001b[2J1", end: "/data/run1", why: "dangles" }),
    "run1 leads to /data/run1, which is not there: a disk may not be mounted",
  );
  assert.match(refusedText({ name: "", end: "/x", why: "dangles" }), /^the folder of checkpoints leads to \/x/);
  assert.match(refusedText({ name: "a", end: "/x", why: "another" }), /^a leads to \/x, which cannot be followed$/);
});

test("links are made and changed; what is no link stays, and none is made by way of another", (t) => {
  const root = mkdtempSync(join(tmpdir(), "links-"));
  t.after(() => rmSync(root, { recursive: true }));
  const folder = join(root, "home");
  mkdirSync(join(folder, "step_1"), { recursive: true });
  writeFileSync(join(folder, "mine"), "kept");
  symlinkSync("/etc", join(folder, "way"));
  symlinkSync("step_0", join(folder, "latest"));
  placeLinks(
    folder,
    new Map([
      ["latest", "step_1"],
      ["mine", "step_1"],
      ["step_1/up", "mine"],
      ["way/x", "step_1"],
      ["latest/x", "step_1"],
      ["none/x", "step_1"],
      ["x".repeat(300), "step_1"],
    ]),
  );
  assert.equal(readlinkSync(join(folder, "latest")), "step_1");
  assert.equal(readlinkSync(join(folder, "step_1", "up")), "../mine");
  assert.ok(lstatSync(join(folder, "mine")).isFile());
  for (const absent of ["step_1/x", "none"]) {
    assert.equal(lstatSync(join(folder, absent), { throwIfNoEntry: false }), undefined, absent);
  }
});
