import { CommanderError, InvalidArgumentError, Command as Parser, Option as ParserOption } from "commander";
import { type Command, type Option, type OptionValues, optionsOf, type Terminal } from "./command.ts";
import { exitCode, Failure } from "./failure.ts";
import { commandText, overviewText } from "./help.ts";

/** A parsed command line. */
export interface Typed {
  readonly command: Command;
  readonly values: OptionValues;
  readonly words: readonly string[];
}

/** Parses a command line; undefined = help was asked for and shown. Throws Failure if it is not valid. */
export function parse(commands: readonly Command[], argv: readonly string[], terminal: Terminal): Typed | undefined {
  let typed: Typed | undefined;
  const program = programOf(commands, terminal, (found) => {
    typed = found;
  });
  const [word, ...rest] = withoutHelpWord(argv);
  if (word === undefined) throw usageFailure("a command is missing");
  const isKnown = word.startsWith("-") || commands.some(({ name }) => name === word);
  try {
    program.parse(isKnown ? [word, ...rest] : [word], { from: "user" });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.code === "commander.helpDisplayed") return undefined;
    throw usageFailure(error.message.replace(/^error: /, ""), isKnown ? word : undefined);
  }
  return typed;
}

/** `help X` is `X --help`. */
function withoutHelpWord(argv: readonly string[]): readonly string[] {
  const [word, about] = argv;
  if (word !== "help") return argv;
  return about === undefined ? ["--help"] : [about, "--help"];
}

function usageFailure(problem: string, word?: string): Failure {
  const about = word === undefined || word.startsWith("-") ? "" : ` ${word}`;
  const sentence = problem.replace(/\s*\n\s*/g, " ").replace(/\.$/, "");
  return new Failure(exitCode.usage, `${sentence}. See: vast-run${about} --help`);
}

function programOf(commands: readonly Command[], terminal: Terminal, found: (typed: Typed) => void): Parser {
  const width = terminal.columns ?? 80;
  const program = new Parser("vast-run")
    .usage("COMMAND [options]")
    .description("Look at, reach and fetch from the training run of a Pulumi stack.")
    .exitOverride()
    .helpCommand(false)
    .helpOption("-h, --help", "show this text")
    .enablePositionalOptions()
    .configureHelp({ styleOptionTerm: (term) => term.replace(/[<>]/g, ""), subcommandTerm: (one) => one.name() })
    .configureOutput({
      writeOut: (text) => terminal.out(text.trimEnd()),
      outputError: () => {}, // it is thrown as well
      getOutHelpWidth: () => width,
    })
    .addHelpText("after", () => overviewText(width));
  for (const command of commands) addTo(program, command, width, found);
  return program;
}

function addTo(program: Parser, command: Command, width: number, found: (typed: Typed) => void): void {
  const { name, summary, words } = command;
  const options = Object.entries(optionsOf(command)).map(([long, option]) => [long, optionOf(long, option)] as const);
  const parser = program.command(name).summary(summary).description(`${summary}.`);
  for (const [, option] of options) parser.addOption(option);
  if (words !== undefined) parser.argument(`[${words.value}...]`, words.help);
  parser.passThroughOptions(words?.isCommand ?? false);
  parser.addHelpText("after", () => commandText(command, width));
  parser.action(() => {
    const given = parser.opts();
    const values = options.map(([long, option]) => {
      const value = given[option.attributeName()];
      return [long, option.negate ? !value : value];
    });
    found({ command, values: Object.fromEntries(values), words: parser.args });
  });
}

function optionOf(long: string, { type, short, value = "VALUE", multiple = false, help }: Option): ParserOption {
  const flags = `${short === undefined ? "" : `-${short}, `}--${long}`;
  if (type === "boolean") return new ParserOption(flags, help);
  const option = new ParserOption(`${flags} <${value}>`, help);
  return option.argParser<string | string[]>((text, before = []) => {
    if (text.startsWith("-")) throw new InvalidArgumentError("Its value is missing.");
    return multiple ? [...before, text] : text;
  });
}
