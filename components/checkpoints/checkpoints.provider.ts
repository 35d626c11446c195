import { openStateDir } from "../lib/state-dir.ts";
import { progress, say, watchEngine } from "../pulumi/engine.ts";
import { changedKeys, lifecycle } from "../pulumi/lifecycle.ts";
import { throttled } from "../pulumi/throttle.ts";
import { pinHostKey } from "../ssh/known-hosts.ts";
import { ownSshKey } from "../ssh/ssh-key.ts";
import { openApi } from "../vast/client/api.ts";
import { VastClient } from "../vast/client/client.ts";
import { whileBilling } from "../vast/journal/interrupt.ts";
import { keptText } from "../vast/journal/trouble.ts";
import { type GateWorld, passGate } from "./gate.ts";
import { checkpointsHome } from "./pull.ts";
import { trainingMark } from "./store/record.ts";

/** What the gate needs to know years later, without program and stack config. */
export interface CheckpointsState {
  readonly instanceId: string;
  readonly apiUrl: string;
  readonly apiKeyFile: string;
  readonly sshKeyFile: string;
  readonly hostKey: string;
  /** Of the account that rented it; "" or missing = not known. */
  readonly accountId?: string;
  readonly pricePerHour: number;
  readonly from: string;
  readonly checkpointsTo: string;
  readonly stack: string;
  readonly stopGraceSeconds: number;
  /** Hash of the training. Older states lack it, and what follows. */
  readonly training?: string;
  readonly rescueBudget?: number;
  readonly keepPrevious?: number;
  readonly stepMaxMinutes?: number;
  readonly home: string;
  /** The training and the time since when it is this one: `trainingMark`. */
  readonly mark?: string;
  /** The row on which progress is shown. */
  readonly __urn: string;
}

type Inputs = Omit<CheckpointsState, "home" | "mark">;

const LOGIN_PATIENCE_MS = 60_000;

/** The lifecycle behind Checkpoints. */
export const provider = lifecycle({
  check: async (olds: Partial<Inputs>, news: Inputs) => ({ inputs: news, failures: movedFolder(olds, news) }),
  diff: async (_id: string, olds: CheckpointsState, news: Inputs) => changes(olds, news),
  create: async (inputs: Inputs) => ({ id: `checkpoints-${inputs.instanceId}`, outs: outputs(inputs) }),
  update: async (_id: string, olds: CheckpointsState, news: Inputs) => ({ outs: outputs(news, olds) }),
  delete: async (_id: string, state: CheckpointsState) => {
    const { instanceId, pricePerHour } = state;
    await whileBilling(keptText(instanceId, null, pricePerHour), () => openGate(state));
  },
});

/** What older states do not say, $. */
const RESCUE_BUDGET = 1;

async function openGate(state: CheckpointsState): Promise<void> {
  const instanceId = Number(state.instanceId);
  const connect = () => {
    const key = ownSshKey(openStateDir(), state.sshKeyFile);
    if (state.hostKey !== "") pinHostKey(key.knownHostsFile, instanceId, state.hostKey);
    return { client: new VastClient(openApi(state)), key };
  };
  const order = {
    ...state,
    instanceId,
    to: state.home,
    training: state.mark,
    rescueBudget: askedBudget(process.env) ?? state.rescueBudget ?? RESCUE_BUDGET,
  };
  const engine = watchEngine();
  const world: GateWorld = {
    connect,
    means: async () => {
      const { connect: open } = await import("../vast/ready/connect.ts");
      return open(state, { urn: state.__urn, sshKeyFile: state.sshKeyFile, engine });
    },
    discard: process.env.VAST_DISCARD_CHECKPOINTS,
    progress: throttled((text) => progress(state.__urn, text)),
    say: (text) => void say(state.__urn, text),
    patience: LOGIN_PATIENCE_MS,
  };
  await passGate(order, world).finally(() => engine.stop());
}

/** Destroy does not read the stack config, so another budget than the state's comes by the environment. */
export function askedBudget({ VAST_RESCUE_BUDGET: text = "" }: NodeJS.ProcessEnv): number | undefined {
  if (text.trim() === "") return undefined;
  const dollars = Number(text.trim().replace(/^\$/, ""));
  if (dollars >= 0) return dollars;
  throw new Error(`VAST_RESCUE_BUDGET should be dollars, such as 2.50, and is ${JSON.stringify(text.slice(0, 40))}`);
}

/** Checkpoints in the folder used so far would be left behind. */
export function movedFolder(olds: Partial<Inputs>, news: Inputs) {
  if (olds.from === undefined || olds.from === news.from || olds.instanceId !== news.instanceId) return [];
  const reason =
    `checkpointsDir cannot change while instance ${news.instanceId} lives, because its checkpoints in ${olds.from} ` +
    `would be left behind; set it back to ${olds.from}, or pulumi destroy first`;
  return [{ property: "from", reason }];
}

/**
 * A change of folders or patience is noted for later. Another instance means that the old one must pass the gate, and
 * the new one gets a gate of its own; an instance that is not known yet is left to replaceWith.
 */
export function changes(olds: CheckpointsState, news: Inputs) {
  const changed = changedKeys(olds, news);
  return {
    changes: changed.length > 0,
    replaces: changed.includes("instanceId") ? ["instanceId"] : [],
    deleteBeforeReplace: true,
  };
}

function outputs(inputs: Inputs, olds?: CheckpointsState): CheckpointsState {
  const { checkpointsTo, stack, instanceId, training } = inputs;
  const home = checkpointsHome(checkpointsTo, stack, Number(instanceId));
  const kept = olds?.training === training && olds?.instanceId === instanceId ? olds?.mark : undefined;
  const mark = training === undefined ? undefined : (kept ?? trainingMark(training, new Date().toISOString()));
  return { ...inputs, home, ...(mark === undefined ? {} : { mark }) };
}
