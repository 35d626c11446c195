/** What docs/commands.md says, made of the commands themselves: `node test/cli/page.ts --write`. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Command, type Option, optionsOf } from "../../cli/command/command.ts";
import { exitCodeLines } from "../../cli/command/help.ts";
import { commands } from "../../cli/main.ts";
import { projectDir } from "../../scripts/lib/workspace.ts";

export const pageFile = join(projectDir, "docs", "commands.md");

export function page(): string {
  const codes = exitCodeLines().map(([code, meaning]) => `| ${code} | ${meaning} |`);
  return [
    "# The commands of `vast-run`",
    "<!-- made by: node test/cli/page.ts --write -->",
    '`vast-run` is on PATH after `npm run setup` and `eval "$(npm run -s shellenv)"`. `vast-run COMMAND --help` says the same as this page. Data goes to standard output, everything else to standard error.',
    [
      "| command | |",
      "|---|---|",
      ...commands.map(({ name, summary }) => `| [\`${name}\`](#${name}) | ${summary} |`),
    ].join("\n"),
    "## Exit codes",
    ["| code | meaning |", "|---|---|", ...codes].join("\n"),
    ...commands.map(sectionOf),
  ]
    .join("\n\n")
    .concat("\n");
}

function sectionOf(command: Command): string {
  const { name, summary, details, examples, words } = command;
  const rows = Object.entries(optionsOf(command)).map(
    ([long, option]) => `| ${flags(long, option)} | ${option.help} |`,
  );
  const wordRow = words === undefined ? [] : [`| \`${words.value}...\` | ${words.help} |`];
  const table = ["| | |", "|---|---|", ...wordRow, ...rows];
  return [
    `## ${name}`,
    `${summary}.`,
    ...(table.length > 2 ? [table.join("\n")] : []),
    ...(details === "" ? [] : [details]),
    ["```sh", ...examples, "```"].join("\n"),
  ].join("\n\n");
}

function flags(long: string, { short, value }: Option): string {
  const all = [...(short === undefined ? [] : [`-${short}`]), `--${long}${value === undefined ? "" : ` ${value}`}`];
  return all.map((flag) => `\`${flag}\``).join(", ");
}

if (import.meta.main && process.argv.includes("--write")) writeFileSync(pageFile, page());
