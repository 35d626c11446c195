import { shellLine } from "../../components/ssh/ssh-key.ts";
import type { CommandResult, RunningCommand } from "../lib/command.ts";
import { type SimulatorProcess, startSimulatorProcess } from "../lib/simulator.ts";
import { openWorkspace, type Workspace } from "../lib/workspace.ts";
import { ownFolder, removeOwnFolder, sweepLeftovers } from "./leftovers.ts";
import type { Screen } from "./screen.ts";

/** A step failed; the message says which, and what was seen. */
export class StepFailed extends Error {}
/** The user interrupted the quickstart. */
export class Interrupted extends Error {}

/** Where the quickstart plays: a copy of the project and a simulator, both gone after close(). */
export interface Stage {
  readonly workspace: Workspace;
  readonly simulator: SimulatorProcess;
  /** Shows and runs a command; throws StepFailed unless it ends with exit code 0. */
  run(...words: string[]): Promise<CommandResult>;
  /** Shows and runs a command; ends it with ^C as soon as `enough` is true of its output lines. */
  runUntil(enough: (lines: readonly string[]) => boolean, ...words: string[]): Promise<string[]>;
  /** Passes a ^C on to the running command; run() starts no further one. */
  interrupt(): void;
  /** After an interrupt: destroys what was made; a second ^C cuts that short. */
  release(): Promise<void>;
  close(): Promise<void>;
}

export async function openStage(screen: Screen): Promise<Stage> {
  const swept = await sweepLeftovers();
  if (swept > 0) screen.say(`Removed what ${swept} earlier quickstart${swept > 1 ? "s" : ""} left behind when killed.`);
  const folder = ownFolder();
  const workspace = openWorkspace({ parent: folder });
  let current: RunningCommand | undefined;
  let interrupts = 0;

  async function show(words: readonly string[], onLine: (line: string) => void): Promise<CommandResult> {
    const [file = "", ...args] = words;
    screen.command(shellLine(words));
    current = workspace.start(file, args, { onLine });
    const result = await current.result;
    current = undefined;
    return result;
  }

  async function perform(words: readonly string[], onLine: (line: string) => void): Promise<CommandResult> {
    if (interrupts > 0) throw new Interrupted();
    const result = await show(words, onLine);
    if (interrupts > 0) throw new Interrupted();
    return result;
  }

  const simulator = await startSimulatorProcess({ home: workspace.home, env: workspace.env }).catch(async (error) => {
    await workspace.close();
    removeOwnFolder(folder);
    throw new StepFailed(error.message);
  });
  return {
    workspace,
    simulator,
    run: async (...words) => {
      const result = await perform(words, screen.output);
      if (result.code === 0) return result;
      throw new StepFailed(`\`${result.command}\` ended with ${result.code ?? result.signal}; its output is above.`);
    },
    runUntil: async (enough, ...words) => {
      const lines: string[] = [];
      const result = await perform(words, (line) => {
        screen.output(line);
        lines.push(line);
        if (enough(lines)) current?.signal("SIGINT");
      });
      if (enough(lines)) return lines;
      throw new StepFailed(`\`${result.command}\` ended with ${result.code ?? result.signal} too early.`);
    },
    interrupt: () => {
      interrupts += 1;
      current?.signal("SIGINT");
    },
    release: async () => {
      const { living } = await simulator.ledger();
      if (living > 0 && interrupts < 2) await show(["pulumi", "destroy", "--yes"], screen.output);
    },
    close: async () => {
      await simulator.stop();
      await workspace.close();
      removeOwnFolder(folder);
    },
  };
}
