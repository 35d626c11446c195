import { ratio, type Unit, written } from "./figures.ts";

/** One line of the table: a figure of ours, and one of another's where there is one. */
export interface Line {
  /** The row that it belongs to, as it is chosen on the command line. */
  readonly row: string;
  readonly what: string;
  /** What it was measured on. */
  readonly on: string;
  readonly unit: Unit;
  /** A figure for each round. */
  readonly ours: readonly number[];
  /** Whose figures the others are, and how they were had. */
  readonly against?: string;
  readonly theirs?: readonly number[];
  /** A sentence beside the figures. */
  readonly note?: string;
}

/** Where and when the figures were had. */
export interface Circumstances {
  readonly machine: string;
  readonly date: string;
  readonly commit: string;
  readonly command: string;
  readonly rounds: number;
}

/** Markdown, to be pasted into bench/README.md. */
export function table(lines: readonly Line[], { machine, date, commit, command, rounds }: Circumstances): string {
  const head = ["row", "what", "measured on", "ours", "against", "theirs", "ours / theirs"];
  const rows = lines.map(({ row, what, on, unit, ours, against = "", theirs = [], note }) => [
    `\`${row}\``,
    what,
    on,
    [written(ours, unit), note].filter(Boolean).join("; "),
    against,
    written(theirs, unit),
    ratio(ours, theirs),
  ]);
  const text = [head, head.map(() => "---"), ...rows].map((cells) => `| ${cells.map(safe).join(" | ")} |`);
  const circumstances = `${machine}, ${date}, commit ${commit}, \`${command}\`; medians of ${rounds}, least and most in brackets.`;
  return [circumstances, "", ...text, ""].join("\n");
}

function safe(cell: string): string {
  return cell.replaceAll("|", "\\|").replaceAll("\n", " ");
}
