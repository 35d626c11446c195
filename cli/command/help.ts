import { type Command, type Option, optionsOf } from "./command.ts";

/** The text of `vast-run --help`. */
export function overview(commands: readonly Command[]): string {
  const width = Math.max(...commands.map((command) => command.name.length));
  return [
    "Usage: vast-run COMMAND [--stack STACK]",
    "",
    "Look at and fetch from the training run of a Pulumi stack.",
    "",
    "Commands:",
    ...commands.map((command) => `  ${command.name.padEnd(width)}  ${command.summary}`),
    "",
    "`vast-run COMMAND --help` tells more. Data goes to standard output, everything else to standard error.",
    "Exit codes: 0 ok, 1 failed, 2 usage or configuration, 3 no live instance,",
    "or (recover, sweep) something bills that no state holds.",
  ].join("\n");
}

/** The text of `vast-run COMMAND --help`. */
export function commandHelp(command: Command): string {
  return [
    usage(command),
    "",
    `${command.summary}.`,
    "",
    "Options:",
    ...optionLines(optionsOf(command)),
    "",
    command.details,
  ].join("\n");
}

/** One line: how a command is typed. */
export function usage(command: Command): string {
  const { help: _, ...own } = optionsOf(command);
  const options = Object.entries(own);
  const words = options.map(([name, option]) => `[${spelling(name, option)}]`);
  if (command.words !== undefined) words.push(`[${command.words}...]`);
  return `Usage: vast-run ${command.name} ${words.join(" ")}`;
}

function spelling(name: string, option: Option): string {
  const flag = option.short ? `-${option.short}` : `--${name}`;
  return option.value ? `${flag} ${option.value}` : flag;
}

function optionLines(options: Readonly<Record<string, Option>>): string[] {
  const rows = Object.entries(options).map(([name, option]): [string, string] => {
    const short = option.short ? `-${option.short}, ` : "    ";
    return [`  ${short}--${name}${option.value ? ` ${option.value}` : ""}`, option.help];
  });
  const width = Math.max(...rows.map(([left]) => left.length));
  return rows.map(([left, help]) => `${left.padEnd(width)}  ${help}`);
}
