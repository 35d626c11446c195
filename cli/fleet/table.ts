import { perHour } from "../../components/lib/money.ts";
import { durationText } from "../../components/lib/text.ts";
import { phaseOf, rateOf } from "../../components/vast/client/phase.ts";
import type { Instance } from "../../components/vast/client/wire.ts";
import { columns } from "../command/columns.ts";
import type { OpenIntent } from "./fleet.ts";
import type { HeldBy, Surveyed } from "./survey.ts";

const HEAD = ["ID", "RUN", "GPU", "PHASE", "AGE", "$/H", "COST SO FAR", "HELD BY"];

/** A line for each machine, under a heading. */
export function table(machines: readonly Surveyed[], now: number): string {
  return columns(
    HEAD,
    machines.map((machine) => cells(machine, now)),
  );
}

function cells({ instance, holder }: Surveyed, now: number): string[] {
  const rate = rateOf(instance);
  const cost = costOf(instance, now);
  return [
    String(instance.id),
    runIn(instance.label ?? ""),
    gpuText(instance),
    phaseOf(instance).phase,
    ageText(ageOf(instance, now)),
    rate === null ? "?" : rate.toFixed(3),
    cost === null ? "?" : `about $${cost.toFixed(2)}`,
    holderText(holder),
  ];
}

/** The middle part of a label, between owner and nonce: project, stack and run, possibly shortened. */
export function runIn(label: string): string {
  return label.split("-").slice(2, -1).join("-") || label;
}

export function gpuText({ gpu, gpus }: Instance): string {
  return `${gpus ?? "?"}x ${gpu ?? "?"}`;
}

function holderText(holder: HeldBy): string {
  switch (holder.by) {
    case "stack":
      return `stack ${holder.stack}`;
    case "intent":
      return processText(holder.intent);
    case "another owner":
      return "? (another owner's)";
    case "nobody":
      return holder.intent === undefined ? "nobody" : `nobody (process ${holder.intent.pid} died renting it)`;
  }
}

export function processText({ process, pid, host }: OpenIntent): string {
  return process === "elsewhere" ? `process ${pid} on ${host}, maybe` : `process ${pid}, renting it now`;
}

/** Seconds since the machine was rented; null = unknown. */
export function ageOf({ startedAt }: Instance, now: number): number | null {
  return startedAt === null ? null : Math.max(now / 1000 - startedAt, 0);
}

/** Dollars, as if the machine had always run at today's price; traffic is not included. */
export function costOf(instance: Instance, now: number): number | null {
  const age = ageOf(instance, now);
  return age === null || instance.totalPerHour === null ? null : (age / 3600) * instance.totalPerHour;
}

/** "3 h 12 min" */
export function ageText(seconds: number | null): string {
  return seconds === null ? "?" : durationText(seconds);
}

/** The command that ends a machine's bill, or puts the machine to use again. */
export function advice({ instance, holder }: Surveyed): string | undefined {
  const { id } = instance;
  if (holder.by !== "nobody") return undefined;
  const { successor } = holder;
  const sweep = `vast-run sweep --destroy ${id}`;
  if (successor === undefined) return `${id}: ${sweep}`;
  const { stack, takesOver } = successor;
  const up = takesOver ? `pulumi up -s ${stack} takes it over; ` : "";
  return `${id}: ${up}pulumi destroy -s ${stack} ends it, and so does ${sweep}`;
}

/** One machine in a line, for a question: what it is and what it costs. */
export function machineLine({ instance }: Surveyed): string {
  const rate = rateOf(instance);
  const price = rate === null ? "its price is not known" : perHour(rate);
  return `${instance.id} (${instance.label}, ${gpuText(instance)}, ${phaseOf(instance).phase}, ${price})`;
}

/** A machine as JSON, for scripts. */
export function jsonOf(machine: Surveyed, now: number, ended: ReadonlySet<Surveyed>): object {
  const { instance, holder, target } = machine;
  const { id, label, gpu, gpus } = instance;
  return {
    id,
    label,
    api: target.url,
    gpu,
    gpus,
    phase: phaseOf(instance).phase,
    ageSeconds: ageOf(instance, now),
    perHour: rateOf(instance),
    aboutDollars: costOf(instance, now),
    heldBy: holderJson(holder),
    ended: ended.has(machine),
  };
}

function holderJson(holder: HeldBy): object {
  if (holder.by === "stack") return { by: holder.by, stack: holder.stack };
  if (holder.by === "another owner") return { by: holder.by };
  const { intent } = holder;
  const by = intent === undefined ? {} : { process: intent.process, pid: intent.pid, host: intent.host };
  return { by: holder.by, ...by };
}
