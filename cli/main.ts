import { createInterface } from "node:readline";
import { isatty } from "node:tty";
import { parseArgs } from "node:util";
import { learnCredentials } from "../components/credentials/known.ts";
import { hidden } from "../components/lib/secrets.ts";
import { type Command, type OptionValues, optionsOf, parseOptions, type Terminal } from "./command/command.ts";
import { errorText, exitCode, exitCodeOf, Failure } from "./command/failure.ts";
import { commandHelp, overview, usage } from "./command/help.ts";
import { attach } from "./machine/attach.ts";
import { env } from "./machine/env.ts";
import { logs } from "./machine/logs.ts";
import { sync } from "./machine/sync.ts";
import { recover } from "./recover/recover.ts";
import { sweep } from "./sweep/sweep.ts";

export const commands: readonly Command[] = [env, logs, attach, sync, recover, sweep];

/** Runs one command line and answers with the exit code. */
export async function main(argv: readonly string[], person: Terminal): Promise<number> {
  const terminal = withoutCredentials(person);
  try {
    learnCredentials(terminal.env);
    return await dispatch(argv, terminal);
  } catch (error) {
    terminal.note(`vast-run: ${errorText(error)}`);
    return exitCodeOf(error);
  }
}

/** The same terminal; what is written on it holds none. */
function withoutCredentials(terminal: Terminal): Terminal {
  const { status, ask } = terminal;
  return {
    ...terminal,
    out: (text) => terminal.out(hidden(text)),
    note: (text) => terminal.note(hidden(text)),
    ...(status ? { status: (text: string) => status(hidden(text)) } : {}),
    ...(ask ? { ask: (question: string) => ask(hidden(question)) } : {}),
  };
}

async function dispatch(argv: readonly string[], terminal: Terminal): Promise<number> {
  const [word, ...rest] = argv;
  if (word === "--help" || word === "-h" || word === "help") {
    const about = commands.find((command) => command.name === rest[0]);
    terminal.out(about ? commandHelp(about) : overview(commands));
    return exitCode.ok;
  }
  const command = commands.find(({ name }) => name === word);
  if (!command) throw new Failure(exitCode.usage, unknownCommand(word));
  const { values, positionals } = parse(command, rest);
  if (values.help) {
    terminal.out(commandHelp(command));
    return exitCode.ok;
  }
  return command.run(values, terminal, positionals);
}

function unknownCommand(word: string | undefined): string {
  const names = commands.map(({ name }) => name).join(", ");
  const found = word === undefined ? "a command is missing" : `"${word}" is not a command`;
  return `${found}; write one of ${names}. See: vast-run --help`;
}

function parse(command: Command, args: string[]): { values: OptionValues; positionals: string[] } {
  const options = parseOptions(optionsOf(command));
  try {
    return parseArgs({ args, options, strict: true, allowPositionals: command.words !== undefined });
  } catch (error) {
    throw new Failure(exitCode.usage, `${(error as Error).message.split(". ")[0]}.\n${usage(command)}`);
  }
}

/** The question goes to standard error, because standard output is for data. */
function ask(question: string): Promise<string> {
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  return new Promise((resolve) => {
    lines.once("close", () => resolve(""));
    lines.question(`${question} `, (line) => {
      resolve(line);
      lines.close();
    });
  });
}

if (import.meta.main) {
  process.exitCode = await main(process.argv.slice(2), {
    cwd: process.cwd(),
    env: process.env,
    interactive: isatty(0) && isatty(1),
    out: (text) => process.stdout.write(`${text}\n`),
    note: (text) => process.stderr.write(`${text}\n`),
    ask,
    ...(process.stderr.isTTY ? { status: (text: string) => process.stderr.write(`\r\x1b[K${text}`) } : {}),
  });
}
