import assert from "node:assert/strict";
import { test } from "node:test";
import { agrees, asLine, documented, rentalLine } from "./document.ts";
import { type Played, playRental } from "./play-rental.ts";
import { RENTAL_ROWS } from "./rental-rows.ts";

for (const row of RENTAL_ROWS) {
  test(`${row.what}: ${row.outcome}`, async (t) => {
    const played: Played[] = [];
    for (const faults of row.ways) {
      const names = faults.map((fault) => fault.do).join(" + ");
      await t.test(names || "no fault", async () => void played.push(await playRental(row, faults)));
    }
    const line = rentalLine(row, played);
    assert.ok(agrees(line, documented(row.what)), `docs/faults.md has another line than\n${asLine(line)}`);
  });
}
