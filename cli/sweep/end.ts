import { openStateDir } from "../../components/lib/state-dir.ts";
import { InstanceList } from "../../components/vast/client/instance-list.ts";
import { holderOf, Journal } from "../../components/vast/journal/journal.ts";
import { nonceOf } from "../../components/vast/journal/label.ts";
import { realClock } from "../../components/vast/ready/connect.ts";
import { release } from "../../components/vast/rental/release.ts";
import { exitCode, Failure } from "../command/failure.ts";
import { eventsOf } from "../fleet/events.ts";
import type { Target } from "../fleet/fleet.ts";
import { type Survey, type Surveyed, unheldIn } from "../fleet/survey.ts";
import { processText } from "../fleet/table.ts";

/**
 * The machines to end: the named ones, or all of this owner's that nobody holds. If a named one must not be ended,
 * throws Failure and none is ended.
 */
export function chosen(survey: Survey, ids: readonly string[]): Surveyed[] {
  if (ids.length === 0) return unheldIn(survey);
  return ids.map((word) => {
    const found = survey.machines.filter(({ instance }) => String(instance.id) === word);
    const machine = found.find(({ holder }) => holder.by === "nobody") ?? found[0];
    const hindrance = machine === undefined ? "no machine with that id carries a label of ours" : whyNot(machine);
    if (machine !== undefined && hindrance === undefined) return machine;
    throw new Failure(exitCode.usage, `${word} is not ended, nor is anything else: ${hindrance}`);
  });
}

/** Why the machine must not be ended; undefined = it may be. */
function whyNot({ holder }: Surveyed): string | undefined {
  if (holder.by === "stack") return `stack ${holder.stack} holds it; use: pulumi destroy -s ${holder.stack}`;
  if (holder.by !== "intent") return undefined;
  const { intent } = holder;
  const file = `the file of its label in journal/ of the state directory`;
  const then = intent.process === "elsewhere" ? `when it has ended there, remove ${file}` : "end that process first";
  return `it belongs to ${processText(intent)}; ${then}`;
}

export interface EndMeans {
  readonly env: NodeJS.ProcessEnv;
  progress(text: string): void;
  note(text: string): void;
  /**
   * Throws the reason if a machine must be kept. Called after the machine is claimed, so that no training can start on
   * it.
   */
  gate(machine: Surveyed): Promise<void>;
}

/** Ends machines and returns those that are certainly gone. Prints a note for each that could not be ended. */
export async function end(machines: readonly Surveyed[], survey: Survey, means: EndMeans): Promise<Surveyed[]> {
  const journal = new Journal(openStateDir(means.env).journalDir);
  const lists = new Map<Target, InstanceList>();
  const listOf = (target: Target) => {
    const list = lists.get(target) ?? new InstanceList(target.client, realClock);
    lists.set(target, list);
    return list;
  };
  const endings = machines.map(async (machine): Promise<Surveyed | undefined> => {
    const { target, instance } = machine;
    const { id, label, totalPerHour } = instance;
    try {
      claim(journal, machine);
      await means.gate(machine);
      const { progress } = means;
      const events = eventsOf(means, "sweep");
      const all = { client: target.client, list: listOf(target), clock: realClock, progress, events };
      await release(all, id, { label, perHour: totalPerHour, instance });
      return machine;
    } catch (error) {
      means.note((error as Error).message);
      return undefined;
    }
  });
  const ended = (await Promise.all(endings)).filter((machine) => machine !== undefined);
  const left = unheldIn(survey).filter((machine) => !ended.includes(machine));
  for (const machine of ended) {
    const isLast = !left.some((other) => rentedAs(other) === rentedAs(machine));
    if (machine.holder.by === "nobody" && isLast) journal.closeInstance(machine.instance.id);
  }
  return ended;
}

/** The label under which the machine was rented; its present label may be another. */
function rentedAs({ instance, holder }: Surveyed): string | null {
  return (holder.by === "nobody" ? holder.intent?.label : undefined) ?? instance.label;
}

/** Takes over the intent, so that an up which starts now waits for us and does not take over the machine. */
function claim(journal: Journal, machine: Surveyed): void {
  const { id } = machine.instance;
  const label = rentedAs(machine);
  if (machine.holder.by !== "nobody" || label === null) return;
  const intent = journal.find(label);
  if (intent !== undefined && !["nobody", "us"].includes(holderOf(intent))) {
    throw new Error(`instance ${id} is left alone: process ${intent.pid} has begun to work with it`);
  }
  const keyFingerprint = machine.target.client.keyFingerprint(nonceOf(label));
  const wish = { label, urn: "", ...machine.target.api, offerId: 0, at: Date.now(), keyFingerprint };
  if (intent === undefined) journal.open(wish);
  journal.note(label, id);
}
