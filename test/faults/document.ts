import { readFileSync } from "node:fs";
import { join } from "node:path";
import { projectDir } from "../../scripts/lib/workspace.ts";
import type { Played } from "./play-rental.ts";
import type { Run } from "./play-run.ts";
import type { RentalRow } from "./rental-rows.ts";
import type { RunRow } from "./run-rows.ts";

export const DOCUMENT = join(projectDir, "docs", "faults.md");

/** Cells of a line of a table. The figures of some come from time that passed, and may differ a little. */
export type Line = readonly string[];

const BECOMES = {
  ready: "the machine is kept",
  next: "it is released, and the next one rented",
  stop: "nothing more is rented",
} as const;

/** What happens | what is read | what becomes of it | after | spent. The worst of all ways. */
export function rentalLine(row: RentalRow, played: readonly Played[]): Line {
  const [first] = played;
  const becomes = row.leaves === undefined ? BECOMES[row.outcome] : "it is in the state, and the next run ends it";
  return [
    row.what,
    quoted(first?.says ?? ""),
    row.contracts === 0 || (row.outcome === "ready" && row.sent === 2) ? noMachine(row) : becomes,
    duration(Math.max(...played.map(({ seconds }) => seconds))),
    money(Math.max(...played.map(({ dollars }) => dollars))),
  ];
}

function noMachine({ outcome }: RentalRow): string {
  return outcome === "ready" ? "the next offer is rented" : "nothing is rented";
}

const NEXT = { untouched: "nothing", back: "the same machine is ready again", refused: "it is kept, and `up` fails" };

/** What happens | what a preview says | the next up | what is read then | $/h meanwhile. */
export function runLine(row: RunRow, run: Run): Line {
  const next = row.phase === "gone" ? "another machine is rented" : (row.note ?? NEXT[row.next]);
  return [row.what, quoted(run.tells), next, quoted(run.reads), `${row.bills} (${perHour(run.perHour)})`];
}

export function asLine(cells: Line): string {
  return `| ${cells.join(" | ")} |`;
}

/** The document's line for what happens; undefined = it has none. */
export function documented(what: string): Line | undefined {
  return lines().find(([first]) => first === what);
}

/** What the document says happens, without the heads of its tables. */
export function whatHappens(): string[] {
  return lines().flatMap(([what]) =>
    what === undefined || what === "what happens" || /^-+$/.test(what) ? [] : [what],
  );
}

function lines(): Line[] {
  return readFileSync(DOCUMENT, "utf8")
    .split("\n")
    .filter((line) => line.startsWith("|"))
    .map((line) =>
      line
        .slice(1, -1)
        .split("|")
        .map((cell) => cell.trim()),
    );
}

/** Words must be the same; figures within half, or a little. */
export function agrees(line: Line, other: Line | undefined): boolean {
  return (
    other !== undefined && line.length === other.length && line.every((cell, index) => alike(cell, other[index] ?? ""))
  );
}

const FIGURE = /(?<=^|\()(<?\$[\d.]+(?:\/h)?|\d+ (?:s|min))(?=$|\))/g;

function alike(cell: string, other: string): boolean {
  const bare = (text: string) => text.replace(FIGURE, "#");
  const figures = (text: string) => (text.match(FIGURE) ?? []).map(amountOf);
  const near = (one: number, two: number) => Math.abs(one - two) <= Math.max(one, two) / 2 + 0.02;
  const [one, two] = [figures(cell), figures(other)];
  return bare(cell) === bare(other) && one.every((value, index) => near(value, two[index] ?? Number.NaN));
}

/** Minutes, or dollars. */
function amountOf(figure: string): number {
  const number = Number(/[\d.]+/.exec(figure)?.[0]);
  return figure.endsWith(" s") ? number / 60 : number;
}

/** Without the numbers of this market, and without what another column says. */
function quoted(text: string): string {
  if (text === "" || /^instance \d+ is ready$/.test(text)) return "nothing unusual";
  const clean = text
    .replace(/^instance \d+ \(machine \d+\): /, "")
    .replace(/^instance \d+: /, "")
    .replace(/; it is released$/, "")
    .replace(/; trying the next offer$/, "")
    .replace(/; instance \d+ \([\w-]+\) is kept and costs .*$/, "")
    .replace("http://vast.test", "https://console.vast.ai")
    .replace(/, \d+ s$/, "")
    .replace(/ \(vt-[\w-]+\)/g, "")
    .replace(/(instance|offer|change bid|VAST_DISCARD_CHECKPOINTS=|asks.|instances.)( ?)\d{6,}/g, "$1$2N")
    .replace(/127\.0\.0\.1:\d+/g, "HOST:PORT")
    .replace(/\b20\d\d-\d\d-\d\d \d\d:\d\d UTC/g, "DATE")
    .replace(/of a test is/, "of FILE is")
    .replace(/, \d+ s: /, ": ")
    .replaceAll("|", "\\|");
  return `\`${clean}\``;
}

function duration(seconds: number): string {
  return seconds < 95 ? `${Math.round(seconds / 10) * 10} s` : `${Math.round(seconds / 60)} min`;
}

function money(dollars: number): string {
  if (dollars === 0) return "$0";
  return dollars < 0.01 ? "<$0.01" : `$${dollars.toFixed(2)}`;
}

function perHour(dollars: number): string {
  return `$${dollars.toFixed(2)}/h`;
}
