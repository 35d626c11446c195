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
import { openMachine } from "./machine.ts";

/** Runs `vast-run sync`. */
export async function fetchCheckpoints(values: OptionValues, terminal: Terminal): Promise<number> {
  const found = await openMachine(values, terminal);
  const { from, home, mark, keepPrevious, stepMaxMinutes, bring } = recordedCheckpoints(found.stack);
  const machine = { ...found, ...stepLimitOf(stepMaxMinutes) };
  const chosen = textOption(values, "to");
  const to = chosen === undefined ? home : resolve(terminal.cwd, chosen);
  // Asked before files are listed: a training that has ended by then writes no more.
  const standing = await runScript(machine, standingScript());
  const ended = endedTraining(standing.toString("utf8"), mark);
  const request = { ...machine, from, to, live: true, what: "vast-run sync", keepPrevious, ended };
  const pulled = await watched(request, terminal, pullCheckpoints);
  const { files, bytes, fetched } = pulled;
  const reason = `${files} file${files === 1 ? "" : "s"}, ${sizeText(bytes)}`;
  eventsOf(terminal, "sync").note({ what: "synced", instance: found.instanceId, bytes: fetched, home: to, reason });
  for (const sentence of pulled.beside) terminal.note(sentence);
  for (const clause of pulled.refused) terminal.note(`Not fetched: ${clause}`);
  for (const folder of pulled.incomplete) terminal.note(`${folder} is incomplete, and marked so`);
  terminal.note(summary(pulled));
  if (bring !== undefined) {
    const brought = await watched({ ...request, bring }, terminal, bringAlong);
    for (const sentence of brought.said) terminal.note(sentence);
    terminal.note(`Beside them: ${filesText(brought)}, in ${brought.home}`);
  }
  const lease = await leaseText(found.client, found.instanceId);
  if (lease !== undefined) terminal.note(lease);
  terminal.out(to);
  return exitCode.ok;
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

function summary({ files, bytes, changing }: Pulled): string {
  if (files === 0 && changing.length === 0) return "There is no checkpoint yet";
  const found = `${filesText({ files, bytes })}, verified`;
  return changing.length === 0 ? found : `${found}; still being written: ${changing.join(", ")}`;
}

function filesText({ files, bytes }: Pick<Pulled, "files" | "bytes">): string {
  return `${files} file${files === 1 ? "" : "s"}, ${sizeText(bytes)}`;
}
