import { perHour } from "../../components/lib/money.ts";
import { isEarlier } from "../../components/pulumi/addresses.ts";
import { type OptionValues, type Terminal, textOption } from "../command/command.ts";
import { exitCode } from "../command/failure.ts";
import { progressOn } from "../command/progress.ts";
import { projectOf } from "../fleet/project.ts";
import { pulumi, readStack, readState, resourceOf } from "../fleet/stack.ts";
import type { Surveyed } from "../fleet/survey.ts";
import { freeLocks } from "./free-lock.ts";
import { lookFor } from "./look.ts";
import type { Patient } from "./patient.ts";
import { refresh } from "./refresh.ts";
import { awaitRenters, closeIntents, unrecordedText } from "./settle.ts";
import { removeTorn } from "./torn.ts";

/** Runs `vast-run recover`. */
export async function recoverStack(values: OptionValues, terminal: Terminal): Promise<number> {
  const progress = progressOn(terminal);
  try {
    const patient = await patientOf(values, terminal, progress.show);
    const left = await putInOrder(patient);
    progress.end();
    await report(patient, left);
    return left.length === 0 ? exitCode.ok : exitCode.unheld;
  } finally {
    progress.end();
  }
}

async function patientOf(values: OptionValues, terminal: Terminal, progress: (text: string) => void): Promise<Patient> {
  const cwd = projectOf(terminal.cwd);
  removeTorn({ cwd, terminal });
  const named = textOption(values, "stack");
  const words = ["stack", "--show-name", "--non-interactive", ...(named === undefined ? [] : ["--stack", named])];
  const stack = (await pulumi(words, cwd, terminal.env)).trim();
  return { cwd, project: "vast-training", stack, terminal, yes: values.yes === true, progress };
}

/** Returns the machines that cost money but are missing in the state. */
async function putInOrder(patient: Patient): Promise<readonly Surveyed[]> {
  await freeLocks(patient);
  await awaitRenters(patient);
  const survey = await lookFor(patient);
  closeIntents(patient, survey);
  if (await isEarlierState(patient)) return survey.machines;
  await refresh(patient);
  return survey.machines.filter(({ holder }) => holder.by !== "stack");
}

async function isEarlierState({ cwd, stack, terminal }: Patient): Promise<boolean> {
  return (await readState(cwd, terminal.env, stack)).resources.some(isEarlier);
}

/** Prints the result: what is left, and what the state has. */
async function report(patient: Patient, left: readonly Surveyed[]): Promise<void> {
  const { cwd, stack, terminal } = patient;
  for (const machine of left) terminal.out(unrecordedText(machine));
  if (await isEarlierState(patient)) {
    const first =
      left.length === 0 ? "" : `fetch what you need (vast-run sync -s ${stack}), end the machine as above, then `;
    terminal.out(
      `stack ${stack} was made by an earlier version, and nothing can refresh or destroy it: ${first}run pulumi stack rm --force ${stack}`,
    );
    return;
  }
  const recorded = resourceOf(await readStack(cwd, terminal.env, stack), "instance");
  const { instanceId, phase, pricePerHour } = recorded?.outputs ?? {};
  const held =
    recorded === undefined
      ? "its state has no machine"
      : `its state has instance ${instanceId}, ${phase}, up to ${perHour(Number(pricePerHour))}; pulumi destroy -s ${stack} ends it`;
  terminal.out(`stack ${stack} ${left.length === 0 ? "is in order" : "can be used again"}: ${held}`);
}
