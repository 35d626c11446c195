import type { Command } from "../command/command.ts";
import { printScript, shells } from "../command/completion.ts";
import { exitCode, Failure } from "../command/failure.ts";

export const completion: Command = {
  name: "completion",
  summary: "Print what has TAB complete vast-run in bash, zsh or fish",
  details: `Put the line of your shell into its startup file, behind the one of shellenv. Commands, options and the stacks
of the project are completed. Nothing is asked of Pulumi or Vast for it.`,
  examples: [
    'eval "$(vast-run completion bash)"',
    'eval "$(vast-run completion zsh)"      # behind: autoload -U compinit && compinit',
    "vast-run completion fish | source",
  ],
  options: {},
  isStackless: true,
  words: { value: "SHELL", help: "the shell that reads it: bash, zsh or fish", choices: shells },
  run: async (_, __, [name, ...more]) => {
    const shell = shells.find((known) => known === name);
    if (shell === undefined || more.length > 0)
      throw new Failure(exitCode.usage, `name one shell: ${shells.join(", ")}`);
    printScript(shell);
    return exitCode.ok;
  },
};
