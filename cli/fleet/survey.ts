import type { GateTerms } from "../../components/checkpoints/gate.ts";
import { isEarlier, isOf } from "../../components/pulumi/addresses.ts";
import { stackOf } from "../../components/vast/journal/journal.ts";
import { runLabel } from "../../components/vast/journal/label.ts";
import {
  became,
  intentOf,
  isOwnedBy,
  type Listed,
  labelsOf,
  type OpenIntent,
  type StackFinder,
  type UnseenAccount,
} from "./fleet.ts";
import type { StackState } from "./stack.ts";
import { isUnseen } from "./visible.ts";

/** Who is responsible for a machine. */
export type HeldBy =
  | { readonly by: "stack"; readonly stack: string }
  /** A process that lives, or may still run on another host, has rented it and has not finished. */
  | { readonly by: "intent"; readonly intent: OpenIntent }
  /** Another owner's; this survey does not know whether a state of theirs has it. */
  | { readonly by: "another owner" }
  /** No state that was read has it, and no process is about to record it. */
  | { readonly by: "nobody"; readonly intent?: OpenIntent; readonly successor?: Successor };

/** The stack whose label the machine carries: its next up or destroy will find the machine. */
export interface Successor {
  readonly stack: string;
  /** The stack has no machine, so an up takes this one over. */
  readonly takesOver: boolean;
  /** Private key for logging in, as in the stack config; "" = the one of the state directory. */
  readonly sshKeyFile: string;
}

export interface Surveyed extends Listed {
  readonly holder: HeldBy;
}

/** The machines of all accounts, from one owner's view. */
export interface Survey {
  /** Machines that an intent names or that carry one of our labels: this owner's and other owners'. */
  readonly machines: readonly Surveyed[];
  /** Number of machines without a label of ours. Nothing else is known about them here. */
  readonly unlabelled: number;
  /** Intents of dead processes that became no machine. */
  readonly empty: readonly OpenIntent[];
  /** Accounts that could not be read: their machines are not counted above. */
  readonly unseen: readonly UnseenAccount[];
}

export interface SurveySources {
  readonly listed: readonly Listed[];
  readonly unseen: readonly UnseenAccount[];
  readonly stacks: readonly StackState[];
  readonly heldBy: StackFinder;
  readonly intents: readonly OpenIntent[];
  readonly owner: string;
  /** Labels of a stack that now belongs to this owner, whoever made it. */
  readonly labels?: readonly string[];
}

/** Says who is responsible for each machine that an intent names or that carries one of our labels. */
export function surveyOf(sources: SurveySources): Survey {
  const { listed, unseen, intents } = sources;
  const ours = listed.filter((row) => isOurs(row.instance.label) || intents.some((intent) => became(row, intent)));
  const found = new Set(listed.map((row) => intentOf(row, intents)));
  return {
    machines: ours.map((row) => ({ ...row, holder: holderOf(row, sources) })),
    unlabelled: listed.length - ours.length,
    empty: intents.filter((intent) => intent.process === "ended" && !found.has(intent) && !isUnseen(intent, unseen)),
    unseen,
  };
}

function isOurs(label: string | null): boolean {
  return label?.startsWith("vt-") ?? false;
}

function holderOf(row: Listed, { stacks, heldBy, intents, owner, labels = [] }: SurveySources): HeldBy {
  const stack = heldBy(row);
  if (stack !== undefined) return { by: "stack", stack };
  const intent = intentOf(row, intents);
  const isOwn = intent !== undefined || isOwnedBy(owner, row.instance) || labels.includes(row.instance.label ?? "");
  if (!isOwn) return { by: "another owner" };
  if (intent !== undefined && intent.process !== "ended") return { by: "intent", intent };
  const successor = successorOf(intent?.label ?? row.instance.label ?? "", stacks);
  return {
    by: "nobody",
    ...(intent === undefined ? {} : { intent }),
    ...(successor === undefined ? {} : { successor }),
  };
}

function successorOf(label: string, stacks: readonly StackState[]): Successor | undefined {
  const stack = stacks.find(({ resources }) => {
    return labelsOf({ resources: resources.filter((resource) => !isEarlier(resource)) }).includes(label);
  });
  if (stack === undefined) return undefined;
  const hasMachine = stack.resources.some((resource) => isOf("instance", resource));
  return { stack: stack.name, takesOver: !hasMachine, sshKeyFile: sshKeyFileIn(stack) };
}

function sshKeyFileIn({ resources }: StackState): string {
  const gates = resources.filter((resource) => isOf("identity", resource)).map(({ outputs }) => outputs.gate);
  const files = gates.map((gate) => (gate as Partial<GateTerms> | null | undefined)?.sshKeyFile);
  return files.find((file) => typeof file === "string" && file !== "") ?? "";
}

/** This owner's machines that cost money and that nobody is responsible for. */
export function unheldIn({ machines }: Pick<Survey, "machines">): Surveyed[] {
  return machines.filter(({ holder }) => holder.by === "nobody");
}

export interface StackNames {
  readonly owner: string;
  readonly project: string;
  /** Name of the stack without its organisation. */
  readonly stack: string;
}

/** Does a machine belong to a stack: by its state, by an intent, or by the label it would have rented under? */
export function belongsTo({ holder, instance }: Surveyed, { owner, project, stack }: StackNames): boolean {
  if (holder.by === "stack") return bare(holder.stack) === stack;
  if (holder.by === "another owner") return false;
  if (holder.by === "nobody" && holder.successor !== undefined) return bare(holder.successor.stack) === stack;
  if (holder.intent !== undefined && stackOf(holder.intent) === stack) return true;
  const nonce = instance.label?.split("-").at(-1) ?? "";
  return instance.label === runLabel({ owner, project, stack, run: RUN }, nonce);
}

/** The name of a stack without an organisation before it. */
export function bare(stack: string): string {
  return stack.split("/").at(-1) ?? stack;
}

/** The name of the run resource in the program. */
const RUN = "run";
