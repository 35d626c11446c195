import { test } from "node:test";
import { playRental } from "./play-rental.ts";
import { RENTAL_ROWS } from "./rental-rows.ts";

for (const row of RENTAL_ROWS) {
  for (const faults of row.ways) {
    const names = faults.map((fault) => fault.do).join(" + ");
    test(`${row.what}: ${row.outcome}${names === "" ? "" : ` (${names})`}`, async () => {
      await playRental(row, faults);
    });
  }
}
