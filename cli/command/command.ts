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

/** Answers with the exit code; throws Failure or VastError for everything that does not work. */
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
  /** The words it takes beside its options; default: it takes none. */
  readonly words?: Words;
  /** It is about no stack. */
  readonly isStackless?: boolean;
  /** Loads what it needs when it is called: help and completion wait for none of that. */
  readonly run: Run;
}

export interface Words {
  /** What stands for them in the help text. */
  readonly value: string;
  readonly help: string;
  /** Options behind the first of them are theirs, not ours. */
  readonly isCommand?: boolean;
  /** All there are, where there are few. */
  readonly choices?: readonly string[];
}

/** All options of a command but --help; its own word for a common one counts. */
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
