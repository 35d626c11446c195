import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { isBranchName } from "../../../../components/code/git/branch.ts";

const PARTS = [
  "a",
  ".",
  "/",
  "@",
  "{",
  ".lock",
  "-",
  "~",
  "^",
  ":",
  "?",
  "*",
  "[",
  "\\",
  " ",
  "\t",
  "\x7f",
  "ß",
  "%",
  "#",
  "HEAD",
  "'",
];

test("a name is taken exactly where git takes it", () => {
  const names = [
    ...PARTS,
    ...PARTS.flatMap((one) => PARTS.flatMap((two) => [`${one}${two}`, `a${one}${two}`, `${one}${two}a`])),
  ];
  const ours = names.filter((name) => isBranchName(name));
  const script =
    'while IFS= read -r -d "" name; do case $name in @*{*) ;; *) git check-ref-format "refs/heads/$name" && git check-ref-format --branch "$name" >/dev/null 2>&1 && printf "%s\\0" "$name";; esac; done';
  const { stdout } = spawnSync("bash", ["-c", script], {
    input: names.map((name) => `${name}\0`).join(""),
    encoding: "utf8",
  });
  // A name that stands for another one, which a check of git's would put in its place, is none here; HEAD is none since 2.4x.
  const gits = stdout.split("\0").filter((name) => name !== "" && name !== "HEAD");
  assert.deepEqual(ours, gits);
  assert.ok(ours.length > 100);
});
