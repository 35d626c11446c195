import { within } from "../lib/clock.ts";
import { say } from "../pulumi/engine.ts";
import { type CheckFailure, changedKeys, isUnknown, lifecycle } from "../pulumi/lifecycle.ts";
import { leaveText, type Now, nowOn, restartText } from "../remote/now.ts";
import { keyFor } from "../ssh/known-hosts.ts";
import { type ApiTarget, openApi, targetOf } from "../vast/client/api.ts";
import { VastClient } from "../vast/client/client.ts";
import type { Renter } from "../vast/client/same-account.ts";
import { forgetPassed, notePassed } from "../vast/journal/passed.ts";
import { openEvents, openJournal } from "../vast/ready/connect.ts";
import { liveEndpoint } from "../vast/ready/live-endpoint.ts";
import type { GateTerms } from "./gate.ts";
import { askedBudget, openGate } from "./open-gate.ts";
import { checkpointsHome } from "./pull.ts";
import { folderOf } from "./store/clone.ts";
import { trainingMark } from "./store/record.ts";

/** Older states lack these. */
type Later = "rescueBudget" | "keepPrevious" | "stepMaxMinutes" | "bring";
type Terms = Omit<GateTerms, Later> & Partial<Pick<GateTerms, Later>>;

/** What the gate must know at any later time, without program and stack config. */
export interface CheckpointsState extends ApiTarget, Terms, Partial<Renter> {
  readonly instanceId: string;
  readonly hostKey: string;
  readonly pricePerHour: number;
  /** Hash of the training. Older states lack it. */
  readonly training?: string;
  readonly home: string;
  /** Which training, and since when it is the stack's: `trainingMark`. */
  readonly mark?: string;
  /** The row on which progress is shown. */
  readonly __urn: string;
}

type Inputs = Omit<CheckpointsState, "home" | "mark">;

/** The lifecycle behind Checkpoints. */
export const provider = lifecycle({
  check: async (olds: Partial<Inputs>, { clone, ...news }: Inputs) => {
    const checkpointsTo = folderOf(olds.checkpointsTo, { ...news, clone });
    if (checkpointsTo !== news.checkpointsTo) await say(news.__urn, anotherClone(checkpointsTo));
    return { inputs: { ...news, checkpointsTo }, failures: movedFolder(olds, news) };
  },
  diff: async (_id: string, olds: CheckpointsState, news: Inputs) => {
    const text = planText(olds, news);
    if (text !== undefined) await say(olds.__urn, text(await glance(olds)));
    return changes(olds, news);
  },
  create: async (inputs: Inputs) => {
    const instanceId = Number(inputs.instanceId);
    // Training comes next: no old note may say that this machine can be released.
    openJournal().closeInstance(instanceId);
    forgetPassed(instanceId);
    const outs = outputs(inputs);
    openEvents(inputs.__urn).noteOnce({ what: "started", instance: instanceId, home: outs.home });
    return { id: `checkpoints-${instanceId}`, outs };
  },
  update: async (_id: string, olds: CheckpointsState, news: Inputs) => ({ outs: outputs(news, olds) }),
  delete: async (_id: string, state: CheckpointsState) => {
    await bringHome(state);
    // The release comes next, maybe in a later command.
    notePassed(Number(state.instanceId));
  },
});

function anotherClone(folder: string): string {
  return `checkpoints go on coming home to ${folder}, of another clone of the project; an absolute checkpointsTo has them elsewhere`;
}

/** For older states, which do not say it, $. */
const RESCUE_BUDGET = 1;

function bringHome(state: CheckpointsState): Promise<void> {
  const { home: to, mark: training, sshKeyFile, hostKey, __urn: urn } = state;
  const rescueBudget = askedBudget(process.env) ?? state.rescueBudget ?? RESCUE_BUDGET;
  const order = { ...state, instanceId: Number(state.instanceId), to, training, rescueBudget, begun: true };
  return openGate(order, { api: targetOf(state), sshKeyFile, hostKey, urn });
}

/** A failure when the folder changes while the machine lives: what is in the old one would be left behind. */
export function movedFolder(olds: Partial<Inputs>, news: Inputs): CheckFailure[] {
  if (olds.from === undefined || olds.from === news.from || olds.instanceId !== news.instanceId) return [];
  const reason =
    `checkpointsDir cannot change while instance ${news.instanceId} lives, because its checkpoints in ${olds.from} ` +
    `would be left behind; set it back to ${olds.from}, or pulumi destroy first`;
  return [{ property: "from", reason }];
}

/**
 * A change of folders or waits is only noted for later. Another instance means a replacement: the old one must pass the
 * gate, and the new one gets a gate of its own. An instance that is not known yet is left to replaceWith.
 */
export function changes(olds: CheckpointsState, news: Inputs) {
  const changed = changedKeys(olds, news);
  return {
    changes: changed.length > 0,
    replaces: changed.includes("instanceId") ? ["instanceId"] : [],
    deleteBeforeReplace: true,
  };
}

/** What is said of training before anything is done; undefined = it is left alone, or it is done already. */
export function planText(olds: CheckpointsState, news: Inputs): typeof restartText | undefined {
  // Only a preview does not know the next machine.
  if (isUnknown(news.instanceId)) return leaveText;
  const isRestarted = !isUnknown(news.training) && olds.training !== undefined && olds.training !== news.training;
  return isRestarted && olds.instanceId === news.instanceId ? restartText : undefined;
}

/** Enough for a look at a machine that answers; a preview must not wait for one that does not, nor fail. */
const GLANCE_MS = 3000;

/** What training does now; undefined = the machine does not tell. */
function glance(state: CheckpointsState): Promise<Now | undefined> {
  return within(GLANCE_MS, async (signal) => {
    try {
      const instanceId = Number(state.instanceId);
      const key = keyFor({ ...state, instanceId });
      const patience = { deadline: Date.now() + GLANCE_MS, signal };
      const endpoint = await liveEndpoint(new VastClient(openApi(state)), { instanceId, key }, patience);
      return await nowOn({ instanceId, endpoint, key, limitMs: GLANCE_MS }, state.from, signal);
    } catch {
      return undefined;
    }
  });
}

function outputs(inputs: Inputs, olds?: CheckpointsState): CheckpointsState {
  const { checkpointsTo, stack, instanceId, training } = inputs;
  const home = checkpointsHome(checkpointsTo, stack, Number(instanceId));
  const kept = olds?.training === training && olds?.instanceId === instanceId ? olds?.mark : undefined;
  const mark = training === undefined ? undefined : (kept ?? trainingMark(training, new Date().toISOString()));
  return { ...inputs, home, ...(mark === undefined ? {} : { mark }) };
}
