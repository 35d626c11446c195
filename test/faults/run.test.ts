import { test } from "node:test";
import { playRun } from "./play-run.ts";
import { RUN_ROWS } from "./run-rows.ts";

for (const row of RUN_ROWS) {
  test(`${row.what}: ${row.phase}, then ${row.next}`, async () => {
    await playRun(row);
  });
}
