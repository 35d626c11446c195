import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
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
  const folder = mkdtempSync(join(tmpdir(), "bench-client-"));
  t.after(() => rmSync(folder, { recursive: true }));
  // The program beside python names the folder in which it was installed first.
  const start = "import sys; from vastai.cli.main import main; sys.exit(main())";
  writeFileSync(join(folder, "vastai"), `#!/bin/sh\nexec ${python} -c '${start}' "$@"\n`, { mode: 0o755 });
  const PATH = `${folder}${delimiter}${process.env.PATH}`;
  const { stdout } = await bench(["--quick", "preview"], { ...process.env, PATH });
  const rows = stdout.split("\n").filter((line) => line.startsWith("| `preview`"));
  assert.equal(rows.length, 3);
  for (const row of rows) assert.match(row, /\| quick \| \d+(\.\d+)? (s|MB) \| `vastai search offers` \| \d.* x \|$/);
});
