import { printable } from "../../lib/text.ts";

/** Lines of a failed build that are told. */
const TOLD = 25;

/**
 * " +  docker:index:Image image-0 creating (3s) #5 [2/3] RUN …" without what is the same in every line; "" = nothing to
 * show. A layer's state begins with the state, so that a row shows one layer at a time.
 */
export function progressIn(line: string): string {
  const [, words = ""] = /docker:index:Image image-\d+ \w+ \([\d.]+s\)\s*(.*)$/.exec(line) ?? [];
  const text = printable(words, 300).trim();
  const [, layer, state, amount = ""] = /^([0-9a-f]{12}) (\S+)(?: \[[=> ]*\])?\s*(.*)$/.exec(text) ?? [];
  return layer === undefined ? text : `${state} ${amount || layer}`;
}

/** Headings of what is one thing here, and that something has failed. */
const NO_WORDS = /^\s*$|^\s*(pulumi:pulumi:Stack|docker:index:Image) \(|^\s*error: update failed$/;

/** What Pulumi says of the failure, which ends with what the failing step said last. */
export function complaintIn(lines: readonly string[]): string {
  const from = lines.findIndex((line) => line.startsWith("Diagnostics:"));
  const rest = (from < 0 ? lines : lines.slice(from + 1)).filter((line) => !NO_WORDS.test(line));
  const to = rest.findIndex((line) => /^(Resources|Duration):/.test(line));
  return (to < 0 ? rest : rest.slice(0, to))
    .slice(-TOLD)
    .map((line) => printable(line, 400))
    .join("\n");
}
