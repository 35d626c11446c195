import { resolve } from "node:path";
import {
  isPullError,
  type Pulled,
  type PullRequest,
  pullCheckpoints,
  sizeText,
} from "../components/checkpoints/pull.ts";
import { type Command, type Terminal, textOption } from "./command.ts";
import { exitCode, Failure } from "./failure.ts";
import { openMachine } from "./machine.ts";
import { progressOn } from "./progress.ts";
import { resourceOf, type Stack } from "./stack.ts";

export const sync: Command = {
  name: "sync",
  summary: "Fetch the checkpoints, every file compared by sha256, and print the folder",
  details: `The folder is the one that destroy brings them to, checkpointsTo/STACK/INSTANCE, and nothing in it is deleted.
Training goes on meanwhile; a file that it is just writing is named and fetched by the next sync.

Examples:
  vast-run sync
  ls "$(vast-run sync)"
  vast-run sync --to /scratch/checkpoints`,
  options: { to: { type: "string", value: "DIR", help: "another folder than the stack's own" } },
  run: async (values, terminal) => {
    const machine = await openMachine(values, terminal);
    const { from, home } = recordedCheckpoints(machine.stack);
    const chosen = textOption(values, "to");
    const to = chosen === undefined ? home : resolve(terminal.cwd, chosen);
    const pulled = await pull({ ...machine, from, to, live: true }, terminal);
    terminal.note(summary(pulled));
    terminal.out(to);
    return exitCode.ok;
  },
};

async function pull(request: PullRequest, terminal: Terminal): Promise<Pulled> {
  const progress = progressOn(terminal);
  try {
    return await pullCheckpoints(request, progress.show);
  } catch (error) {
    if (isPullError(error)) throw new Failure(exitCode.failed, error.message);
    throw error;
  } finally {
    progress.end();
  }
}

/** Where the checkpoints are on the machine, and where they come home to. */
export function recordedCheckpoints(stack: Stack): { from: string; home: string } {
  const { from, home } = resourceOf(stack, "training:Checkpoints")?.outputs ?? {};
  if (typeof from === "string" && typeof home === "string") return { from, home };
  throw new Failure(
    exitCode.failed,
    "The machine is there, but pulumi up has not come as far as training; run it again",
  );
}

function summary({ files, bytes, changing }: Pulled): string {
  if (files === 0 && changing.length === 0) return "There is no checkpoint yet";
  const found = `${files} file${files === 1 ? "" : "s"}, ${sizeText(bytes)}, verified`;
  return changing.length === 0 ? found : `${found}; still being written: ${changing.join(", ")}`;
}
