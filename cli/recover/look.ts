import { openStateDir } from "../../components/lib/state-dir.ts";
import { stackOf } from "../../components/vast/journal/journal.ts";
import { realClock } from "../../components/vast/ready/connect.ts";
import { showing } from "../command/progress.ts";
import { blindLabels, heldBy, labelsOf, type OpenIntent, openIntents, openTargets, targetsOf } from "../fleet/fleet.ts";
import { clearJobs } from "../fleet/leftover-jobs.ts";
import { readState } from "../fleet/stack.ts";
import { belongsTo, type Survey, surveyOf } from "../fleet/survey.ts";
import { ensureWhole, type LookOptions, type VisibleMachines, visibleMachines } from "../fleet/visible.ts";
import type { Patient } from "./patient.ts";

/**
 * All machines of this stack in its accounts, whether the state has them or not. Throws Failure or VastError when a
 * list or the state cannot be read whole.
 */
export async function lookFor(patient: Patient): Promise<Survey> {
  const { cwd, project, stack, terminal } = patient;
  const { env } = terminal;
  const { owner } = openStateDir(env);
  const intents = intentsOf(patient);
  const state = await readState(cwd, env, stack);
  const known = labelsOf(state).length > 0 || intents.length > 0;
  const { targets, unseen } = openTargets(known ? targetsOf([state], intents) : [], env);
  ensureWhole(unseen);
  const isBlind = blindLabels([state], env).length > 0;
  const seen = await seenBy(patient, { targets, intents: () => intents, isBlind, clock: realClock });
  ensureWhole(seen.unseen);
  await clearJobs(targets, realClock, terminal.note);
  const sources = { ...seen, stacks: [state], heldBy: heldBy([state], env), owner, labels: labelsOf(state) };
  // A machine rented by another stack belongs to that stack, whatever its label is now.
  const { machines, ...survey } = surveyOf({ ...sources, intents: openIntents(env) });
  return {
    ...survey,
    machines: machines.filter((machine) => belongsTo(machine, { owner, project, stack })),
    empty: survey.empty.filter((intent) => isOfStack(intent, patient)),
  };
}

function seenBy({ progress }: Patient, looking: LookOptions): Promise<VisibleMachines> {
  return showing(progress, "looking for what was rented", () => visibleMachines(looking));
}

/** Rentals of the stack that are still open. */
export function intentsOf({ stack, terminal }: Patient): OpenIntent[] {
  return openIntents(terminal.env).filter((intent) => isOfStack(intent, { stack }));
}

function isOfStack(intent: OpenIntent, { stack }: Pick<Patient, "stack">): boolean {
  return stackOf(intent) === stack;
}
