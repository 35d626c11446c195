import assert from "node:assert/strict";
import { lstatSync, mkdirSync, mkdtempSync, readlinkSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { placeLinks, targetWithin } from "../../../components/checkpoints/links.ts";

const cases: [name: string, target: string, within: string | undefined][] = [
  ["latest", "step_1", "step_1"],
  ["latest", "./step_1", "step_1"],
  ["latest", ".", "."],
  ["snapshots/a/model", "../../blobs/b", "../../blobs/b"],
  ["a/b", "..", ".."],
  ["a", "..", undefined],
  ["a/b", "../..", undefined],
  ["a", "b/../../c", undefined],
  ["a/b", "c/../../d", "../d"],
  ["a", "/etc/passwd", undefined],
  ["a", "//etc", undefined],
  ["a", "", undefined],
];

for (const [name, target, within] of cases) {
  test(`a link ${name} to ${JSON.stringify(target)} ${within === undefined ? "may lead out" : "stays within"}`, () => {
    assert.equal(targetWithin(name, target), within);
  });
}

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
      ["step_1/up", "../mine"],
      ["way/x", "step_1"],
      ["latest/x", "step_1"],
      ["none/x", "step_1"],
      ["out", "../x"],
      ["x".repeat(300), "step_1"],
    ]),
  );
  assert.equal(readlinkSync(join(folder, "latest")), "step_1");
  assert.equal(readlinkSync(join(folder, "step_1", "up")), "../mine");
  assert.ok(lstatSync(join(folder, "mine")).isFile());
  for (const absent of ["out", "step_1/x", "none"]) {
    assert.equal(lstatSync(join(folder, absent), { throwIfNoEntry: false }), undefined, absent);
  }
});
