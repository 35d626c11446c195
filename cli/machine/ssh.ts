import { constants } from "node:os";
import { LOGIN_SHELL } from "../../components/remote/terminal.ts";
import type { OptionValues, Terminal } from "../command/command.ts";
import { exitCode, Failure } from "../command/failure.ts";
import { runInForeground } from "../command/foreground.ts";
import { openMachine, sshWords } from "./machine.ts";

/** Runs `vast-run ssh`. Answers with the exit code of what ran there. */
export async function openShell(values: OptionValues, terminal: Terminal, words: readonly string[]): Promise<number> {
  if (words.length === 0 && !terminal.interactive) {
    throw new Failure(exitCode.usage, "a shell needs a terminal; name a command to run: vast-run ssh COMMAND");
  }
  const machine = await openMachine(values, terminal);
  const tty = values.tty === true || words.length === 0 ? ["-t"] : [];
  const command = words.length === 0 ? [LOGIN_SHELL] : words;
  const { code, signal } = await runInForeground([...sshWords(machine, true), ...tty, ...command], terminal.env, true);
  return code ?? 128 + (signal === null ? 0 : constants.signals[signal]);
}
