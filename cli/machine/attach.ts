import { ATTACH } from "../../components/remote/terminal.ts";
import type { OptionValues, Terminal } from "../command/command.ts";
import { exitCode, Failure } from "../command/failure.ts";
import { runInForeground } from "../command/foreground.ts";
import { openMachine, sshWords } from "./machine.ts";

/** Runs `vast-run attach`. */
export async function attachTmux(values: OptionValues, terminal: Terminal): Promise<number> {
  if (!terminal.interactive || terminal.env.TERM === "dumb") {
    const needs = terminal.interactive ? "a terminal that can do more than TERM=dumb" : "a terminal";
    throw new Failure(exitCode.usage, `attach needs ${needs}; to only read the log use: vast-run logs -f`);
  }
  const machine = await openMachine(values, terminal);
  const ended = await runInForeground([...sshWords(machine, true), "-t", ATTACH], terminal.env, true);
  if (ended.code === 0) return exitCode.ok;
  const left = ended.code === 255 ? "The connection ended" : "tmux has no session named train, or could not open it";
  throw new Failure(exitCode.failed, `${left} (exit code ${ended.code ?? ended.signal})`);
}
