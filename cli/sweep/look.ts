import type { Clock } from "../../components/lib/clock.ts";
import { openStateDir } from "../../components/lib/state-dir.ts";
import { type ApiTarget, openApi, VAST } from "../../components/vast/client/api.ts";
import { isVastError } from "../../components/vast/client/errors.ts";
import {
  blindLabels,
  heldBy,
  isOwnedBy,
  type OpenIntent,
  openIntents,
  openTargets,
  targetsOf,
} from "../fleet/fleet.ts";
import { clearJobs } from "../fleet/leftover-jobs.ts";
import { readStacks, readStateFile, type StackState } from "../fleet/stack.ts";
import { type Survey, surveyOf, unheldIn } from "../fleet/survey.ts";
import { ensureWhole, visibleMachines } from "../fleet/visible.ts";

export interface LookRequest {
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
  /** Files with exported states of stacks in other backends. */
  readonly stateFiles: readonly string[];
  readonly clock: Clock;
  readonly note: (text: string) => void;
}

const WAITING =
  "A process of yours may have ended a moment ago while it was renting; waiting until Vast would show what came of it";

/**
 * Reads every account, state and intent. Throws Failure or VastError when a state or an intent cannot be read, because
 * only they say what is held, or when no account can be read whole. A single account that cannot be read is left out
 * and named in the survey.
 *
 * Intents are read before the states, and the states after the list of machines. So each listed machine is in an open
 * intent or already in its state, and one that is just being recorded never looks like one that nobody holds.
 */
export async function look(request: LookRequest): Promise<Survey> {
  const { cwd, env, stateFiles } = request;
  const { owner } = openStateDir(env);
  const states = async () => [...(await readStacks(cwd, env)), ...stateFiles.map(readStateFile)];
  const intents = openIntents(env);
  const stacks = await states();
  const opened = openTargets(apisOf(request, stacks, intents), env);
  const { targets } = opened;
  const { clock, note } = request;
  const isBlind = blindLabels(stacks, env).some((label) => isOwnedBy(owner, { label }));
  const seen = await visibleMachines({
    targets,
    intents: () => openIntents(env),
    isBlind,
    clock,
    onWait: () => note(WAITING),
  });
  const unseen = [...opened.unseen, ...seen.unseen];
  const isAnySeen = targets.some(({ names }) => !unseen.some((one) => one.names === names));
  if (!isAnySeen) ensureWhole(unseen);
  const { listed } = seen;
  await clearJobs(
    targets.filter(({ names }) => !unseen.some((one) => one.names === names)),
    clock,
    note,
  );
  const survey = surveyOf({ listed, unseen, intents, stacks, heldBy: heldBy(stacks, env), owner });
  if (unheldIn(survey).length === 0) return survey;
  const [later, now] = [openIntents(env), await states()];
  return surveyOf({ listed, unseen, intents: later, stacks: now, heldBy: heldBy(now, env), owner });
}

/**
 * Every API that is named, and the real host if its key exists: an account may hold machines that no state and no
 * intent names.
 */
function apisOf({ env, note }: LookRequest, stacks: StackState[], intents: OpenIntent[]): ApiTarget[] {
  const apis = [...targetsOf(stacks, intents), ...(opens(VAST, env) ? [VAST] : [])];
  // When a simulator ends, its machines end too.
  const asleep = apis.some(({ apiUrl }) => apiUrl === "simulator") && !opens({ ...VAST, apiUrl: "simulator" }, env);
  if (asleep) note("The simulator does not run, so it has no machines");
  return apis.filter(({ apiUrl }) => apiUrl !== "simulator" || !asleep);
}

function opens(api: ApiTarget, env: NodeJS.ProcessEnv): boolean {
  try {
    openApi(api, env);
    return true;
  } catch (error) {
    if (isVastError(error, "no_key", "config")) return false;
    throw error;
  }
}
