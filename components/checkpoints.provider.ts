import { type GateWorld, passGate } from "./checkpoints/gate.ts";
import { checkpointsHome } from "./checkpoints/pull.ts";
import { throttled } from "./checkpoints/throttle.ts";
import { isUnknown, lifecycle } from "./dynamic.ts";
import { ownSshKey } from "./ssh-key.ts";
import { openStateDir } from "./state-dir.ts";
import { openApi } from "./vast/api.ts";
import { VastClient } from "./vast/client.ts";
import { endWithEngine, progress, say } from "./vast/engine.ts";
import { pinHostKey } from "./vast/ssh.ts";

/** What the gate needs to know years later, without program and stack config. */
export interface CheckpointsState {
  readonly instanceId: string;
  readonly apiUrl: string;
  readonly apiKeyFile: string;
  readonly sshKeyFile: string;
  readonly hostKey: string;
  readonly pricePerHour: number;
  readonly from: string;
  readonly checkpointsTo: string;
  readonly stack: string;
  readonly stopGraceSeconds: number;
  readonly home: string;
  /** The row on which progress is shown. */
  readonly __urn: string;
}

type Inputs = Omit<CheckpointsState, "home">;

const LOGIN_PATIENCE_MS = 60_000;

/** The lifecycle behind Checkpoints. */
export const provider = lifecycle({
  check: async (olds: Partial<Inputs>, news: Inputs) => ({ inputs: news, failures: movedFolder(olds, news) }),
  diff: async (_id: string, olds: CheckpointsState, news: Inputs) => changes(olds, news),
  create: async (inputs: Inputs) => ({ id: `checkpoints-${inputs.instanceId}`, outs: outputs(inputs) }),
  update: async (_id: string, _olds: CheckpointsState, news: Inputs) => ({ outs: outputs(news) }),
  delete: async (_id: string, state: CheckpointsState) => openGate(state),
});

endWithEngine();

function openGate(state: CheckpointsState): Promise<void> {
  const instanceId = Number(state.instanceId);
  const connect = () => {
    const key = ownSshKey(openStateDir(), state.sshKeyFile);
    if (state.hostKey !== "") pinHostKey(key.knownHostsFile, instanceId, state.hostKey);
    return { client: new VastClient(openApi(state)), key };
  };
  const order = { ...state, instanceId, to: state.home };
  const world: GateWorld = {
    connect,
    discard: process.env.VAST_DISCARD_CHECKPOINTS,
    progress: throttled((text) => progress(state.__urn, text)),
    say: (text) => void say(state.__urn, text),
    patience: LOGIN_PATIENCE_MS,
  };
  return passGate(order, world);
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
  const known = Object.entries(news).filter(([key, value]) => !isUnknown(value) && key !== "__provider");
  const changed = known.filter(([key, value]) => olds[key as keyof Inputs] !== value).map(([key]) => key);
  return {
    changes: changed.length > 0,
    replaces: changed.includes("instanceId") ? ["instanceId"] : [],
    deleteBeforeReplace: true,
  };
}

function outputs(inputs: Inputs): CheckpointsState {
  const { checkpointsTo, stack, instanceId } = inputs;
  return { ...inputs, home: checkpointsHome(checkpointsTo, stack, Number(instanceId)) };
}
