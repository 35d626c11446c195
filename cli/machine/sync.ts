import { resolve } from "node:path";
import { bringAlong } from "../../components/checkpoints/bring.ts";
import { type Pulled, type PullRequest, pullCheckpoints } from "../../components/checkpoints/pull.ts";
import { endedTraining } from "../../components/checkpoints/store/record.ts";
import { sizeText } from "../../components/lib/text.ts";
import type { Bring } from "../../components/remote/bring.ts";
import { standingScript } from "../../components/remote/scripts.ts";
import { runScript, stepLimitOf } from "../../components/ssh/run-script.ts";
import { leaseText } from "../../components/vast/lease/lease.ts";
import { type OptionValues, type Terminal, textOption } from "../command/command.ts";
import { exitCode, Failure } from "../command/failure.ts";
import { progressOn } from "../command/progress.ts";
import { eventsOf } from "../fleet/events.ts";
import { resourceOf, type Stack } from "../fleet/stack.ts";
import { openMachine, type StackMachine } from "./machine.ts";

/** Runs `vast-run sync`. */
export async function fetchCheckpoints(values: OptionValues, terminal: Terminal): Promise<number> {
  if (values.every !== undefined) throw new Failure(exitCode.usage, "--every goes with --watch");
  const order = orderFor(await openMachine(values, terminal), values, terminal);
  const { sentences, text, beside } = await fetchOnce(order, terminal);
  for (const sentence of sentences) terminal.note(sentence);
  terminal.note(text);
  if (beside !== undefined) terminal.note(beside);
  const lease = await leaseText(order.machine.client, order.machine.instanceId);
  if (lease !== undefined) terminal.note(lease);
  terminal.out(order.to);
  return exitCode.ok;
}

/** What is fetched from where. */
export interface Order extends RecordedCheckpoints {
  readonly machine: StackMachine;
  /** Folder here, absolute. */
  readonly to: string;
  readonly signal?: AbortSignal;
}

export function orderFor(machine: StackMachine, values: OptionValues, { cwd }: Terminal): Order {
  const recorded = recordedCheckpoints(machine.stack);
  const chosen = textOption(values, "to");
  return { ...recorded, machine, to: chosen === undefined ? recorded.home : resolve(cwd, chosen) };
}

/** What came home, in words. */
export interface Fetched {
  /** What people should know besides. */
  readonly sentences: readonly string[];
  readonly text: string;
  /** Of what came home beside checkpoints. */
  readonly beside?: string;
  /** Nothing was written meanwhile. */
  readonly isAtRest: boolean;
  /** All that the machine has, and had a moment ago, is home. */
  readonly isWhole: boolean;
  /** Training had ended well before this began. */
  readonly isLast: boolean;
}

/** Fetches everything once, and notes that. */
export async function fetchOnce(order: Order, terminal: Terminal): Promise<Fetched> {
  const { machine: found, from, to, mark, keepPrevious, stepMaxMinutes, bring, signal } = order;
  const machine = { ...found, ...stepLimitOf(stepMaxMinutes) };
  const ended = runScript(machine, standingScript(), signal).then((said) => endedTraining(said.toString("utf8"), mark));
  ended.catch(() => {}); // the pull throws it
  const request = { ...machine, from, to, live: true, what: "vast-run sync", keepPrevious, ended, signal };
  const pulled = await watched(request, terminal, pullCheckpoints);
  const { bytes, fetched } = pulled;
  eventsOf(terminal, "sync").note({
    ...{ what: "synced", instance: found.instanceId, bytes: fetched, home: to },
    reason: filesText({ files: pulled.files, bytes }),
  });
  const brought = bring && (await watched({ ...request, bring }, terminal, bringAlong));
  return {
    sentences: [
      ...pulled.beside,
      ...pulled.refused.map((clause) => `Not fetched: ${clause}`),
      ...pulled.incomplete.map((folder) => `${folder} is incomplete, and marked so`),
      ...(pulled.emptied
        ? [`Nothing is in ${from} any more: its disk may not be mounted. What was fetched stays`]
        : []),
      ...(brought?.said ?? []),
    ],
    text: summary(pulled),
    ...(brought && { beside: `Beside them: ${filesText(brought)}, in ${brought.home}` }),
    isAtRest: pulled.changing.length === 0,
    isWhole: isWhole(pulled),
    isLast: (await ended) !== null,
  };
}

async function watched<Request extends PullRequest, Result>(
  request: Request,
  terminal: Terminal,
  fetch: (request: Request) => Promise<Result>,
): Promise<Result> {
  const progress = progressOn(terminal);
  try {
    return await fetch({ ...request, progress: progress.show });
  } finally {
    progress.end();
  }
}

export interface RecordedCheckpoints {
  readonly from: string;
  readonly home: string;
  readonly mark: string | undefined;
  readonly keepPrevious: number;
  readonly stepMaxMinutes: number | undefined;
  /** Files that come home beside checkpoints; undefined = none, as in older states. */
  readonly bring: Bring | undefined;
}

/** The folders of checkpoints on the machine and at home, and the training they belong to. */
export function recordedCheckpoints(stack: Stack): RecordedCheckpoints {
  const { from, home, mark, keepPrevious, stepMaxMinutes, bring } = resourceOf(stack, "checkpoints")?.outputs ?? {};
  if (typeof from === "string" && typeof home === "string") {
    const keep = typeof keepPrevious === "number" ? keepPrevious : 1;
    const minutes = typeof stepMaxMinutes === "number" ? stepMaxMinutes : undefined;
    const known = typeof mark === "string" ? mark : undefined;
    return { from, home, mark: known, keepPrevious: keep, stepMaxMinutes: minutes, bring: bring as Bring | undefined };
  }
  throw new Failure(
    exitCode.failed,
    "The machine is there, but pulumi up has not come as far as training; run it again",
  );
}

function isWhole({ changing, refused, incomplete, emptied }: Pulled): boolean {
  return changing.length + refused.length + incomplete.length === 0 && !emptied;
}

function summary({ files, bytes, changing, emptied }: Pulled): string {
  if (emptied) return "No checkpoint is there any more";
  if (files === 0 && changing.length === 0) return "There is no checkpoint yet";
  const found = `${filesText({ files, bytes })}, verified`;
  return changing.length === 0 ? found : `${found}; still being written: ${changing.join(", ")}`;
}

function filesText({ files, bytes }: Pick<Pulled, "files" | "bytes">): string {
  return `${files} file${files === 1 ? "" : "s"}, ${sizeText(bytes)}`;
}
