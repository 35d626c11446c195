import { openStateDir } from "../components/state-dir.ts";
import { realClock } from "../components/vast/connect.ts";
import { isVastError } from "../components/vast/errors.ts";
import { stackOf } from "../components/vast/journal.ts";
import { visibleBy } from "../components/vast/settle.ts";
import { exitCodeOf, Failure } from "./failure.ts";
import {
  heldBy,
  type Listed,
  labelsOf,
  machinesOf,
  type OpenIntent,
  openIntents,
  openTargets,
  targetsOf,
} from "./fleet.ts";
import { showing } from "./progress.ts";
import type { Patient } from "./recover-patient.ts";
import { readState } from "./stacks.ts";
import { belongsTo, type Survey, surveyOf } from "./sweep-survey.ts";

/** Between two lists while something that was rented a moment ago may still be invisible. */
const PAUSE_MS = 2000;

/**
 * What the accounts of this stack have that is its own, in its state or not. Throws Failure or VastError when a list or
 * the state cannot be seen whole.
 */
export async function lookFor(patient: Patient): Promise<Survey> {
  const { cwd, project, stack, terminal } = patient;
  const { env } = terminal;
  const { owner } = openStateDir(env);
  const intents = intentsOf(patient);
  const state = await readState(cwd, env, stack);
  const known = labelsOf(state).length > 0 || intents.length > 0;
  const listed = known ? await visible(patient, intents, openTargets(targetsOf([state], intents), env)) : [];
  const survey = surveyOf({ listed, intents, stacks: [state], heldBy: heldBy([state], env), owner });
  return { ...survey, machines: survey.machines.filter((machine) => belongsTo(machine, { owner, project, stack })) };
}

/** Open rentals of the stack. */
export function intentsOf({ stack, terminal }: Patient): OpenIntent[] {
  return openIntents(terminal.env).filter((intent) => stackOf(intent) === stack);
}

/** All machines, looked at again until what the dead processes may have rented last would be seen. */
async function visible(
  { progress }: Patient,
  intents: readonly OpenIntent[],
  targets: ReturnType<typeof openTargets>,
): Promise<Listed[]> {
  for (;;) {
    const listed = await showing(progress, "looking for what was rented", () => wholeList(targets));
    const isSeen = ({ label }: OpenIntent) => listed.some(({ instance }) => instance.label === label);
    if (intents.every((intent) => isSeen(intent) || realClock.now() >= visibleBy(intent))) return listed;
    await realClock.sleep(PAUSE_MS);
  }
}

async function wholeList(targets: ReturnType<typeof openTargets>): Promise<Listed[]> {
  try {
    return await machinesOf(targets);
  } catch (error) {
    if (!isVastError(error)) throw error;
    throw new Failure(
      exitCodeOf(error),
      `what was rented cannot be seen, so nothing more was done; run this again later (${error.message})`,
    );
  }
}
