/** Where a command runs and where it writes: data on `out`, everything else on `note`. */
export interface Terminal {
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
  /** Standard input and output are a person's terminal. */
  readonly interactive: boolean;
  /** Characters in a line; default 80. */
  readonly columns?: number;
  out(text: string): void;
  note(text: string): void;
  /** Overwrites one line of standard error; "" removes it. Only where standard error is a terminal. */
  status?(text: string): void;
  /** Writes lines over those that it wrote before. Only where standard output is a terminal. */
  paint?(lines: readonly string[]): void;
  /** Asks a person at the terminal and returns the typed line; "" at the end of input. Only where `interactive`. */
  ask?(question: string): Promise<string>;
}

export interface Option {
  readonly type: "string" | "boolean";
  readonly short?: string;
  /** May be given several times. */
  readonly multiple?: boolean;
  /** Stands for the value in the help text. */
  readonly value?: string;
  readonly help: string;
}

export type OptionValues = Readonly<Record<string, string | boolean | (string | boolean)[] | undefined>>;

/** Returns the exit code; throws Failure or VastError for every error. */
export type Run = (values: OptionValues, terminal: Terminal, words: readonly string[]) => Promise<number>;

/** One word after `vast-run`. */
export interface Command {
  readonly name: string;
  /** One line for the list of commands. */
  readonly summary: string;
  /** More for `vast-run NAME --help`: paragraphs, which are filled to the width of the terminal. */
  readonly details: string;
  /** Lines to type, as they are. */
  readonly examples: readonly string[];
  readonly options: Readonly<Record<string, Option>>;
  /** The words that it takes besides its options; default: none. */
  readonly words?: Words;
  /** The command does not concern a stack. */
  readonly isStackless?: boolean;
  /** Loads its modules only when called, so that help and completion stay fast. */
  readonly run: Run;
}

export interface Words {
  /** Stands for the words in the help text. */
  readonly value: string;
  readonly help: string;
  /** The words are a command: options after its first word belong to it. */
  readonly isCommand?: boolean;
  /** All possible words, if there are few. */
  readonly choices?: readonly string[];
}

/** All options of a command except --help; its own definition replaces a common one. */
export function optionsOf({
  options,
  isStackless,
}: Pick<Command, "options" | "isStackless">): Readonly<Record<string, Option>> {
  return isStackless ? options : { ...options, ...commonOptions, ...options };
}

const commonOptions: Readonly<Record<string, Option>> = {
  stack: { type: "string", short: "s", value: "STACK", help: "the Pulumi stack; default: the selected one" },
};

/** The value of an option that takes text; undefined when it was not given. */
export function textOption(values: OptionValues, name: string): string | undefined {
  const value = values[name];
  return typeof value === "string" ? value : undefined;
}

/** All values of an option that takes text and may be given several times. */
export function textOptions(values: OptionValues, name: string): string[] {
  return [values[name] ?? []].flat().filter((value) => typeof value === "string");
}
