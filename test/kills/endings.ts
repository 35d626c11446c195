import type { RunningCommand } from "../../scripts/lib/command.ts";
import type { EndingName } from "./cases.ts";
import { allOver, kill, noneLeft, processesOf } from "./processes.ts";
import type { Terminal } from "./terminal.ts";

/** A command whose call is being held. */
export interface Held {
  /** Entry of the environment that all its processes have. */
  readonly mark: string;
  readonly command: RunningCommand | undefined;
  /** Where it runs, when somebody has to type. */
  readonly terminal: Terminal | undefined;
  /** Lets the held call go on. */
  letGo(): void;
}

const PATIENCE_MS = 120_000;

const ENDINGS: Readonly<Record<EndingName, (held: Held) => Promise<void>>> = {
  "kill -9 of the provider": async (held) => {
    kill(pids(held, "provider"), "SIGKILL");
    held.letGo();
    await noneLeft(held.mark, ({ role }) => role === "command", PATIENCE_MS);
  },
  "kill -9 of the command": (held) => endCommand(held, "SIGKILL"),
  SIGHUP: (held) => endCommand(held, "SIGHUP"),
  "kill -9 of everything": async (held) => {
    const all = processesOf(held.mark).map(({ pid }) => pid);
    // None of them may notice the end of another.
    kill(all, "SIGSTOP");
    kill(all, "SIGKILL");
    await noneLeft(held.mark, () => true, PATIENCE_MS);
    held.letGo();
  },
  /** Pulumi takes it for a ctrl-c: what is under way is finished. */
  SIGTERM: async (held) => {
    held.command?.signal("SIGTERM");
    held.letGo();
    await held.command?.result;
  },
  /** As a cluster ends a job. */
  "SIGTERM to everything": async (held) => {
    const all = processesOf(held.mark).map(({ pid }) => pid);
    kill(all, "SIGTERM");
    await noneLeft(held.mark, ({ role }) => role === "provider", PATIENCE_MS);
    held.letGo();
    await held.command?.result;
  },
  "closed terminal": async (held) => {
    const commands = pids(held, "command");
    held.terminal?.close();
    await allOver(commands, PATIENCE_MS);
    held.letGo();
  },
  "one ctrl-c": async (held) => {
    await ctrlC(held);
    held.letGo();
    await held.terminal?.ended;
  },
  "two ctrl-c": async (held) => {
    await ctrlC(held);
    held.terminal?.type("\x03");
    await noneLeft(held.mark, ({ role }) => role === "provider", PATIENCE_MS);
    held.letGo();
    await held.terminal?.ended;
  },
};

const IN_TERMINAL: ReadonlySet<EndingName> = new Set(["closed terminal", "one ctrl-c", "two ctrl-c"]);

export function needsTerminal(ending: EndingName): boolean {
  return IN_TERMINAL.has(ending);
}

/** Ends the command; resolves when it has ended. What it leaves behind may go on. */
export async function strike(ending: EndingName, held: Held): Promise<void> {
  await ENDINGS[ending](held);
}

/** The call is let go on when the command is certainly gone. */
async function endCommand(held: Held, signal: NodeJS.Signals): Promise<void> {
  held.command?.signal(signal);
  await held.command?.result;
  held.letGo();
}

async function ctrlC({ terminal }: Held): Promise<void> {
  terminal?.type("\x03");
  await terminal?.shows(/cancelling/i);
}

function pids({ mark }: Held, wanted: string): number[] {
  return processesOf(mark)
    .filter(({ role }) => role === wanted)
    .map(({ pid }) => pid);
}
