import type { ParseArgsConfig } from "node:util";

/** Where a command runs and where it writes: data on `out`, everything else on `note`. */
export interface Terminal {
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
  /** Standard input and output are a person's terminal. */
  readonly interactive: boolean;
  out(text: string): void;
  note(text: string): void;
  /** Overwrites one line of standard error; "" removes it. Only where that is a terminal. */
  status?(text: string): void;
  /** Asks the person at the terminal and answers with the line typed; "" at its end. Only where `interactive`. */
  ask?(question: string): Promise<string>;
}

export interface Option {
  readonly type: "string" | "boolean";
  readonly short?: string;
  /** May be given several times. */
  readonly multiple?: boolean;
  /** What stands for the value in the help text. */
  readonly value?: string;
  readonly help: string;
}

export type OptionValues = Readonly<Record<string, string | boolean | (string | boolean)[] | undefined>>;

/** One word after `vast-run`. */
export interface Command {
  readonly name: string;
  /** One line for the list of commands. */
  readonly summary: string;
  /** More for `vast-run NAME --help`; ends with examples. */
  readonly details: string;
  readonly options: Readonly<Record<string, Option>>;
  /** What stands in the help text for the words it takes beside its options; default: it takes none. */
  readonly words?: string;
  /** Answers with the exit code; throws Failure or VastError for everything that does not work. */
  run(values: OptionValues, terminal: Terminal, words: readonly string[]): Promise<number>;
}

/** All options of a command; its own word for a common one counts. */
export function optionsOf({ options }: Pick<Command, "options">): Readonly<Record<string, Option>> {
  return { ...options, ...commonOptions, ...options };
}

export const commonOptions: Readonly<Record<string, Option>> = {
  stack: { type: "string", short: "s", value: "STACK", help: "the Pulumi stack; default: the selected one" },
  help: { type: "boolean", short: "h", help: "show this text" },
};

/** The options as node:util's parseArgs wants them. */
export function parseOptions(options: Readonly<Record<string, Option>>): NonNullable<ParseArgsConfig["options"]> {
  const entries = Object.entries(options).map(([name, { type, short, multiple = false }]) => {
    return [name, { type, multiple, ...(short ? { short } : {}) }];
  });
  return Object.fromEntries(entries);
}

/** The value of an option that takes text; undefined when it was not given. */
export function textOption(values: OptionValues, name: string): string | undefined {
  const value = values[name];
  return typeof value === "string" ? value : undefined;
}

/** All values of an option that takes text and may be given several times. */
export function textOptions(values: OptionValues, name: string): string[] {
  return [values[name] ?? []].flat().filter((value) => typeof value === "string");
}
