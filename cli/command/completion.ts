import { type Complete, RootCommand, ShellCompDirective } from "@bomb.sh/tab";
import { type Command, optionsOf } from "./command.ts";

export const shells = ["bash", "zsh", "fish"] as const;

/** Prints the shell script that completes our command lines on TAB by calling `vast-run complete`. */
export function printScript(shell: (typeof shells)[number]): void {
  if (shell === "bash") console.log(BASH_BEFORE);
  new RootCommand().setup("vast-run", "vast-run", shell);
  if (shell === "bash") console.log(BASH_AFTER);
}

/**
 * The library's script needs a function of bash-completion, which a login node may lack, and can be sourced only once.
 */
const BASH_BEFORE = `if ! declare -F __vast_run_complete >/dev/null; then
declare -F _get_comp_words_by_ref >/dev/null || _get_comp_words_by_ref() {
    words=("\${COMP_WORDS[@]}") cword=$COMP_CWORD cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD-1]}
}`;
const BASH_AFTER = `complete -o default -F __vast_run_complete vast-run
fi`;

export interface CompletionRequest {
  readonly commands: readonly Command[];
  /** The words after `vast-run`; the last is the one being typed. */
  readonly words: readonly string[];
  /** Stacks of the project. */
  readonly stacks: readonly string[];
}

/** Prints possible completions of the last word, and directions for the shell. */
export function printCompletions({ commands, words, stacks }: CompletionRequest): void {
  const [last, before] = [words.at(-1) ?? "", words.at(-2)];
  const command = commands.find(({ name }) => name === words[0]);
  if (command !== undefined && takesPath(command, before) && !last.startsWith("-")) {
    console.log(`:${ShellCompDirective.ShellCompDirectiveDefault}`);
    return;
  }
  const root = new RootCommand();
  root.command("help", "tell more of a command").argument("COMMAND", (complete) => {
    for (const { name, summary } of commands) complete(name, summary);
  });
  for (const one of commands) describe(root, one, stacks);
  root.parse([...words]);
}

/** Does this option take a file or a folder? */
function takesPath(command: Command, word = ""): boolean {
  const { type, value = "" } = optionsOf(command)[word.replace(/^--/, "")] ?? {};
  return word.startsWith("--") && type === "string" && ["FILE", "DIR"].includes(value);
}

function describe(root: RootCommand, command: Command, stacks: CompletionRequest["stacks"]): void {
  const one = root.command(command.name, command.summary);
  for (const [name, { type, short, help }] of Object.entries(optionsOf(command))) {
    if (type === "boolean") one.option(name, help, short ?? "");
    else one.option(name, help, offering(name === "stack" ? stacks : [], "a stack of the project"), short);
  }
  one.option("help", "show this text", "h");
  const { words } = command;
  if (words?.choices !== undefined) one.argument(words.value, offering(words.choices, words.help));
}

function offering(choices: readonly string[], help: string): (complete: Complete) => void {
  return (complete) => {
    for (const choice of choices) complete(choice, help);
  };
}
