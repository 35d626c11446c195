import { createInterface } from "node:readline";
import { isatty } from "node:tty";
import { hidden } from "../components/lib/secrets.ts";
import type { Command, Terminal } from "./command/command.ts";
import { printCompletions } from "./command/completion.ts";
import { errorText, exitCode, exitCodeOf } from "./command/failure.ts";
import { painter } from "./command/paint.ts";
import { parse } from "./command/parse.ts";
import { attach } from "./commands/attach.ts";
import { completion } from "./commands/completion.ts";
import { config } from "./commands/config.ts";
import { cost } from "./commands/cost.ts";
import { env } from "./commands/env.ts";
import { logs } from "./commands/logs.ts";
import { offers } from "./commands/offers.ts";
import { recover } from "./commands/recover.ts";
import { ssh } from "./commands/ssh.ts";
import { status } from "./commands/status.ts";
import { sweep } from "./commands/sweep.ts";
import { sync } from "./commands/sync.ts";

export const commands: readonly Command[] = [
  offers,
  status,
  cost,
  logs,
  ssh,
  attach,
  config,
  env,
  sync,
  recover,
  sweep,
  completion,
];

/** Runs one command line and returns the exit code. */
export async function main(argv: readonly string[], person: Terminal): Promise<number> {
  const terminal = withoutCredentials(person);
  try {
    return await dispatch(argv, terminal);
  } catch (error) {
    terminal.note(`vast-run: ${errorText(error)}`);
    return exitCodeOf(error);
  }
}

/** The same terminal, but credentials are removed from everything written to it. */
function withoutCredentials(terminal: Terminal): Terminal {
  const { status, paint, ask } = terminal;
  return {
    ...terminal,
    out: (text) => terminal.out(hidden(text)),
    note: (text) => terminal.note(hidden(text)),
    ...(status ? { status: (text: string) => status(hidden(text)) } : {}),
    ...(paint ? { paint: (lines: readonly string[]) => paint(lines.map(hidden)) } : {}),
    ...(ask ? { ask: (question: string) => ask(hidden(question)) } : {}),
  };
}

async function dispatch(argv: readonly string[], terminal: Terminal): Promise<number> {
  if (argv[0] === "complete" && argv[1] === "--") return complete(argv.slice(2), terminal);
  const typed = parse(commands, argv, terminal);
  if (typed === undefined) return exitCode.ok;
  const { learnCredentials } = await import("../components/credentials/known.ts");
  learnCredentials(terminal.env);
  return typed.command.run(typed.values, terminal, typed.words);
}

/** Answers the request of a shell's completion. */
async function complete(words: readonly string[], { cwd }: Terminal): Promise<number> {
  const { stackFiles } = await import("./fleet/project.ts");
  printCompletions({ commands, words, stacks: stackFiles(cwd) });
  return exitCode.ok;
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
  // Whoever reads may have enough, as head has: no error of ours.
  process.stdout.on("error", ({ code }: NodeJS.ErrnoException) => process.exit(code === "EPIPE" ? 0 : 1));
  process.exitCode = await main(process.argv.slice(2), {
    cwd: process.cwd(),
    env: process.env,
    interactive: isatty(0) && isatty(1),
    ...(process.stdout.columns ? { columns: process.stdout.columns } : {}),
    out: (text) => process.stdout.write(`${text}\n`),
    note: (text) => process.stderr.write(`${text}\n`),
    ask,
    ...(process.stdout.isTTY ? { paint: painter(process.stdout) } : {}),
    ...(process.stderr.isTTY ? { status: (text: string) => process.stderr.write(`\r\x1b[K${text}`) } : {}),
  });
}
