/**
 * Plays every fault and prints the tables of docs/faults.md: `node test/faults/report.ts`, or with --write into it.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { asLine, DOCUMENT, rentalLine, runLine } from "./document.ts";
import { playRental } from "./play-rental.ts";
import { playRun } from "./play-run.ts";
import { RENTAL_ROWS, type RentalRow } from "./rental-rows.ts";
import { RUN_ROWS } from "./run-rows.ts";

const RENTAL_HEAD = ["what happens", "what you read", "what becomes of it", "decided after", "spent by then"];
const RUN_HEAD = [
  "what happens",
  "`pulumi preview` says",
  "`pulumi up --refresh` then",
  "what you read",
  "billed meanwhile",
];

async function rentalTable(part: RentalRow["part"]): Promise<string[]> {
  const lines: string[] = [];
  for (const row of RENTAL_ROWS.filter((one) => one.part === part)) {
    const played = [];
    for (const faults of row.ways) played.push(await playRental(row, faults));
    lines.push(asLine(rentalLine(row, played)));
  }
  return [asLine(RENTAL_HEAD), asLine(RENTAL_HEAD.map(() => "---")), ...lines];
}

async function runTable(): Promise<string[]> {
  const lines: string[] = [];
  for (const row of RUN_ROWS) lines.push(asLine(runLine(row, await playRun(row))));
  return [asLine(RUN_HEAD), asLine(RUN_HEAD.map(() => "---")), ...lines];
}

/** A table stands between two marks. */
function inserted(text: string, name: string, table: readonly string[]): string {
  const [begin, end] = [`<!-- ${name} -->\n`, `<!-- end of ${name} -->\n`];
  const [from, to] = [text.indexOf(begin), text.indexOf(end)];
  if (from < 0 || to < from) throw new Error(`docs/faults.md has no lines ${begin} and ${end}`);
  return `${text.slice(0, from) + begin + table.join("\n")}\n${text.slice(to)}`;
}

const tables: [name: string, lines: readonly string[]][] = [];
for (const part of ["offer", "boot", "connect", "release", "control"] as const)
  tables.push([part, await rentalTable(part)]);
tables.push(["run", await runTable()]);

if (process.argv.includes("--write")) {
  const text = tables.reduce((all, [name, table]) => inserted(all, name, table), readFileSync(DOCUMENT, "utf8"));
  writeFileSync(DOCUMENT, text);
} else for (const [name, table] of tables) console.log(`${name}\n\n${table.join("\n")}\n`);
