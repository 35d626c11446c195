import { openStateDir } from "../../lib/state-dir.ts";
import { lifecycle } from "../../pulumi/lifecycle.ts";
import { runLabel } from "../journal/label.ts";
import { unsureText } from "../journal/trouble.ts";
import { connect, openJournal } from "../ready/connect.ts";
import type { RunIdentityInputs } from "./identity.ts";

interface IdentityOutputs extends RunIdentityInputs {
  readonly label: string;
  /** The row on which a destroy shows its progress. */
  readonly __urn?: string;
}

/** Rows: only check is told the URN, and it does not belong into the inputs. */
const rows = new Map<string, string>();

/** The lifecycle behind RunIdentity. */
export const provider = lifecycle({
  check: async (_olds: object, { __urn: urn = "", ...inputs }: RunIdentityInputs & { readonly __urn?: string }) => {
    rows.set(keyOf(inputs), urn);
    return { inputs };
  },

  /** The label is kept for life: a stack that is renamed keeps its machine. Another API is another life. */
  diff: async (_id: string, olds: IdentityOutputs, news: RunIdentityInputs) => ({
    replaces: olds.apiUrl === news.apiUrl ? [] : ["apiUrl"],
    changes:
      (["apiUrl", "apiKeyFile", "owner"] as const).some((key) => olds[key] !== news[key]) || hasLeftovers(olds, news),
  }),

  create: async (inputs: RunIdentityInputs) => {
    const label = runLabel(inputs);
    openJournal().begin(label);
    return { id: label, outs: outputs(inputs, label, rows.get(keyOf(inputs))) };
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
 * The state says which state directory was the last that may have rented under a label: an update comes before any rental
 * of the run. What another one recorded before that proves nothing.
 */
function distrustOthers({ owner, label }: IdentityOutputs): void {
  if (owner !== openStateDir().owner) openJournal().forget(label);
}

/** Did a command that has ended leave something behind? */
function hasLeftovers({ label }: IdentityOutputs, { singleUse }: RunIdentityInputs): boolean {
  return singleUse && openJournal().isLeft(label);
}

async function releaseAllOf({ label, __urn: urn, ...api }: IdentityOutputs): Promise<void> {
  try {
    const { releaseAll } = await import("../rental/settle.ts");
    await releaseAll(await connect(api, { urn }), label);
  } catch (error) {
    throw new Error(unsureText(label, (error as Error).message));
  }
}

function keyOf({ owner, project, stack, run }: RunIdentityInputs): string {
  return JSON.stringify([owner, project, stack, run]);
}

function outputs(inputs: RunIdentityInputs, label: string, urn: string | undefined): IdentityOutputs {
  const { apiUrl, apiKeyFile, owner, project, stack, run, singleUse } = inputs;
  const known = { apiUrl, apiKeyFile, owner, project, stack, run, singleUse, label };
  return { ...known, ...(urn === undefined ? {} : { __urn: urn }) };
}
