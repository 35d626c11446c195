import { Help } from "commander";
import type { Command } from "./command.ts";
import { exitCode, exitCodeMeanings } from "./failure.ts";

/** Text that `vast-run --help` prints besides the list of commands. */
export function overviewText(width: number): string {
  const codes = exitCodeLines().map(
    ([code, meaning]) => `  ${code}  ${filled(meaning, width - 5).replaceAll("\n", "\n     ")}`,
  );
  return ["", filled(OUTPUT, width), "", "Exit codes:", ...codes].join("\n");
}

const OUTPUT =
  "`vast-run COMMAND --help` tells more, `vast-run completion --help` how to have TAB complete. Data goes to standard output, everything else to standard error.";

/** Exit codes with their meanings. */
export function exitCodeLines(): [code: number, meaning: string][] {
  const names = Object.keys(exitCode) as (keyof typeof exitCode)[];
  return names.map((name) => [exitCode[name], exitCodeMeanings[name]]);
}

/** Text that `vast-run COMMAND --help` prints besides the options. */
export function commandText({ details, examples }: Pick<Command, "details" | "examples">, width: number): string {
  const paragraphs = details === "" ? [] : ["", filled(details, width)];
  return [
    ...paragraphs,
    "",
    examples.length === 1 ? "Example:" : "Examples:",
    ...examples.map((line) => `  ${line}`),
  ].join("\n");
}

/** Wraps each paragraph to the width. */
function filled(text: string, width: number): string {
  const wrapped = (paragraph: string) => new Help().boxWrap(paragraph.replace(/\s*\n\s*/g, " "), width);
  return text.split(/\n\n+/).map(wrapped).join("\n\n");
}
