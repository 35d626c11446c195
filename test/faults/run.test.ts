import assert from "node:assert/strict";
import { test } from "node:test";
import { agrees, asLine, documented, runLine } from "./document.ts";
import { playRun } from "./play-run.ts";
import { RUN_ROWS } from "./run-rows.ts";

for (const row of RUN_ROWS) {
  test(`${row.what}: ${row.phase}, then ${row.next}`, async () => {
    const line = runLine(row, await playRun(row));
    assert.ok(agrees(line, documented(row.what)), `docs/faults.md has another line than\n${asLine(line)}`);
  });
}
