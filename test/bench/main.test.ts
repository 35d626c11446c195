import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { delimiter, dirname, join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { projectDir } from "../../scripts/lib/workspace.ts";
import { notAll } from "../support/all.ts";
import { officialClient } from "../support/vastai-client.ts";

const bench = (words: string[], env = process.env) =>
  promisify(execFile)(process.execPath, [join(projectDir, "bench", "main.ts"), ...words], { encoding: "utf8", env });

test("a row that there is not, and rounds that are none, are refused in a sentence", async () => {
  await assert.rejects(bench(["warp"]), /There is no row warp; there are preview, up, /);
  await assert.rejects(bench(["--rounds", "0"]), /--rounds takes a whole number from 1\./);
});

test("--quick of one row prints its figures, ours and theirs", { skip: notAll }, async (t) => {
  const python = await officialClient(t);
  if (python === undefined) return;
  const PATH = `${process.env.PATH}${delimiter}${dirname(python)}`;
  const { stdout } = await bench(["--quick", "preview"], { ...process.env, PATH });
  const rows = stdout.split("\n").filter((line) => line.startsWith("| `preview`"));
  assert.equal(rows.length, 3);
  for (const row of rows) assert.match(row, /\| quick \| \d+(\.\d+)? (s|MB) \| `vastai search offers` \| \d.* x \|$/);
});
