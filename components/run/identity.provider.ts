import type { GateTerms } from "../checkpoints/gate.ts";
import { gateOf } from "../checkpoints/open-gate.ts";
import { folderOf } from "../checkpoints/store/clone.ts";
import { within } from "../lib/clock.ts";
import { openStateDir } from "../lib/state-dir.ts";
import { pick } from "../lib/values.ts";
import { progress } from "../pulumi/engine.ts";
import { changedKeys, lifecycle } from "../pulumi/lifecycle.ts";
import { targetOf } from "../vast/client/api.ts";
import { twinsIn } from "../vast/client/instance-list.ts";
import { rateOf } from "../vast/client/phase.ts";
import { runLabel } from "../vast/journal/label.ts";
import { isKept, leftText, unsureText } from "../vast/journal/trouble.ts";
import { connect, openJournal } from "../vast/ready/connect.ts";
import type { Means } from "../vast/ready/means.ts";
import { type Gate, noGate } from "../vast/rental/settle.ts";
import { ensureUntouched } from "../vast/rental/untouched.ts";
import { identityInputs, type RunIdentityInputs } from "./identity.ts";

interface IdentityOutputs extends Omit<RunIdentityInputs, "gate"> {
  readonly label: string;
  /** Older states lack it. */
  readonly gate?: GateTerms | null;
  /** The row on which a destroy shows its progress. */
  readonly __urn?: string;
}

/** Only check is told the URN, the row on which progress is shown, so it goes on as an input. */
interface CheckedIdentity extends RunIdentityInputs {
  readonly __urn?: string;
}

/** The lifecycle behind RunIdentity. */
export const provider = lifecycle({
  check: async (olds: Partial<IdentityOutputs>, news: CheckedIdentity) => {
    if (!news.gate) return { inputs: news };
    const { clone, ...gate } = news.gate;
    return { inputs: { ...news, gate: { ...gate, checkpointsTo: folderOf(olds.gate?.checkpointsTo, news.gate) } } };
  },

  /** The label is kept for life, so that a renamed stack keeps its machine. Another API needs another label. */
  diff: async (_id: string, olds: IdentityOutputs, news: RunIdentityInputs) => {
    await tellStrays(olds);
    const { owner, gate } = news;
    return {
      replaces: olds.apiUrl === news.apiUrl ? [] : ["apiUrl"],
      changes: changedKeys(olds, { ...targetOf(news), owner, gate }).length > 0 || hasLeftovers(olds, news),
    };
  },

  read: async (id: string, props: IdentityOutputs) => {
    await tellStrays(props);
    return { id, props };
  },

  create: async (inputs: CheckedIdentity) => {
    const label = runLabel(inputs);
    openJournal().begin(label);
    return { id: label, outs: outputs(inputs, label, inputs.__urn) };
  },

  update: async (_id: string, olds: IdentityOutputs, news: RunIdentityInputs) => {
    const outs = outputs(news, olds.label, olds.__urn);
    distrustOthers(olds);
    if (hasLeftovers(olds, news)) await releaseAllOf(outs);
    return { outs };
  },

  delete: async (_id: string, props: IdentityOutputs) => {
    distrustOthers(props);
    await releaseAllOf(props);
    openJournal().forget(props.label);
  },
});

/**
 * The state names the state directory that may have rented last under this label, because an update comes before any
 * rental of the run. Records of any other are no proof any more.
 */
function distrustOthers({ owner, label }: IdentityOutputs): void {
  if (owner !== openStateDir().owner) openJournal().forget(label);
}

/** Did a command that has ended leave something behind? */
function hasLeftovers({ label }: IdentityOutputs, { singleUse }: Pick<RunIdentityInputs, "singleUse">): boolean {
  return singleUse && openJournal().isLeft(label);
}

const STRAYS_PATIENCE_MS = 5000;

/**
 * Nothing should live under this label between two commands, except what Vast rented long after a command was killed:
 * that is reported. When Vast cannot be asked nothing is stopped. Instances of an open intent are left to that intent.
 */
async function tellStrays({ label, singleUse, __urn: urn, ...api }: IdentityOutputs): Promise<void> {
  if (!singleUse || openJournal().find(label) !== undefined) return;
  const look = async () => {
    const { list, say } = await connect(api, { urn });
    for (const stray of twinsIn(await list.look(), label)) await say(leftText(stray.id, label, rateOf(stray)));
  };
  await within(STRAYS_PATIENCE_MS, () => look().catch((error: Error) => progress(urn, error.message)));
}

async function releaseAllOf({ label, __urn: urn, gate, ...api }: IdentityOutputs): Promise<void> {
  try {
    const { releaseAll } = await import("../vast/rental/settle.ts");
    const means = await connect(api, { urn });
    await releaseAll(means, label, api.singleUse ? noGate : gate ? gateOf(gate, api, urn) : proofOf(means, api.stack));
  } catch (error) {
    throw isKept(error) ? error : new Error(unsureText(label, (error as Error).message));
  }
}

/** The gate of an identity without terms: nothing can be fetched, so a machine must hold nothing to be released. */
function proofOf(means: Means, stack: string): Gate {
  const instead = `What is on it comes home once pulumi up -s ${stack} has noted where to, by pulumi destroy -s ${stack}.`;
  return (instance) => ensureUntouched(means, instance, instead);
}

function outputs(inputs: RunIdentityInputs, label: string, urn: string | undefined): IdentityOutputs {
  return { ...pick(inputs, identityInputs.keyof().options), label, ...(urn === undefined ? {} : { __urn: urn }) };
}
