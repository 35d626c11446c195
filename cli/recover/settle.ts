import { perHour } from "../../components/lib/money.ts";
import { phaseOf, rateOf } from "../../components/vast/client/phase.ts";
import { exitCode, Failure } from "../command/failure.ts";
import { closeEmpty, intentOf } from "../fleet/fleet.ts";
import type { Survey, Surveyed } from "../fleet/survey.ts";
import { advice, ageOf, ageText, gpuText, processText } from "../fleet/table.ts";
import { intentsOf } from "./look.ts";
import type { Patient } from "./patient.ts";

/** Time for a process that has lost its Pulumi to release what it was renting. */
const PATIENCE_MS = 360_000;
const LOOK_MS = 1000;

/** Waits until no process of this machine is renting for the stack. */
export async function awaitRenters(patient: Patient): Promise<void> {
  const { progress, stack } = patient;
  const deadline = Date.now() + PATIENCE_MS;
  for (;;) {
    const renter = intentsOf(patient).find(({ process }) => process === "running");
    if (renter === undefined) return;
    if (Date.now() > deadline) {
      throw new Failure(
        exitCode.failed,
        `process ${renter.pid} is still renting for stack ${stack} (${renter.label}); run this again when it has ended`,
      );
    }
    progress(`process ${renter.pid} is still clearing up; waiting for it to end`);
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
}

/** Closes intents of dead processes that are settled: they became no machine, or the state has the machine. */
export function closeIntents(patient: Patient, { machines, empty }: Survey): void {
  const { env, note } = patient.terminal;
  const intents = intentsOf(patient);
  const recorded = intents.filter((intent) => {
    const came = machines.filter((machine) => intentOf(machine, intents) === intent);
    return came.length > 0 && came.every(({ holder }) => holder.by === "stack");
  });
  closeEmpty([...empty, ...recorded], env);
  for (const { label } of empty) note(`nothing came of the rental as ${label}`);
}

/** A machine that is missing in the state: what it is, what it costs, and the command to type. */
export function unrecordedText(machine: Surveyed): string {
  const { instance, holder } = machine;
  const { id, label } = instance;
  const rate = rateOf(instance);
  const facts = [
    gpuText(instance),
    phaseOf(instance).phase,
    `${ageText(ageOf(instance, Date.now()))} old`,
    rate === null ? "price unknown" : perHour(rate),
  ];
  const lines = [`instance ${id} (${label}) bills and no stack holds it: ${facts.join(", ")}`];
  const left = "intent" in holder ? holder.intent?.left : undefined;
  if (left !== undefined) lines.push(`  its process was interrupted and said: ${left}`);
  if (holder.by === "intent") lines.push(`  ${processText(holder.intent)}`);
  else lines.push(`  ${advice(machine)}`);
  return lines.join("\n");
}
