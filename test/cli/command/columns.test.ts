import assert from "node:assert/strict";
import { test } from "node:test";
import { columns } from "../../../cli/command/columns.ts";

test("columns are as wide as their widest cell, and no line ends in blanks", () => {
  const rows = [
    ["1", "日本", ""],
    ["1000", "a", "last"],
  ];
  assert.equal(columns(["ID", "NAME", "NOTE"], rows, [0]), "  ID  NAME  NOTE\n   1  日本\n1000  a     last");
});
