import { openStateDir } from "../../components/lib/state-dir.ts";
import { isEarlier, isOf } from "../../components/pulumi/addresses.ts";
import { type ApiTarget, apiOrigin, openApi, targetIn, VAST } from "../../components/vast/client/api.ts";
import { VastClient } from "../../components/vast/client/client.ts";
import { isVastError, type VastError } from "../../components/vast/client/errors.ts";
import type { Instance } from "../../components/vast/client/wire.ts";
import { holderOf, type Intent, Journal } from "../../components/vast/journal/journal.ts";
import { exitCode, Failure } from "../command/failure.ts";
import type { StackResource, StackState } from "./stack.ts";

/** An API, and the account that its key opens. */
export interface Target {
  readonly api: ApiTarget;
  /** Other names of the same account in states and intents, and `api` itself. */
  readonly names: readonly ApiTarget[];
  /** Origin of its API. */
  readonly url: string;
  readonly client: VastClient;
}

/** A machine as listed by its account. */
export interface Listed {
  readonly target: Target;
  readonly instance: Instance;
}

/** A rental that a process of ours is making, or was making when it ended. */
export interface OpenIntent extends Intent {
  /**
   * "ended" = its process is dead; "elsewhere" = it was started on another computer, which cannot be checked from here.
   */
  readonly process: "running" | "ended" | "elsewhere";
  /** Origin of its API; an instance id is unique only within one API. undefined = unknown now. */
  readonly url: string | undefined;
}

/** Does the resource record one of our labels and its API? */
function isLabelled(resource: StackResource): boolean {
  return isOf("identity", resource) || isOf("instance", resource);
}

/** All APIs that a state or an intent names; the real host if none does. */
export function targetsOf(stacks: readonly StackState[], intents: readonly ApiTarget[]): ApiTarget[] {
  const resources = stacks.flatMap((stack) => stack.resources.filter(isLabelled));
  const named = [...resources.map(({ outputs }) => outputs), ...intents].map(targetIn);
  const distinct = new Map(named.map((api) => [`${api.apiUrl}\n${api.apiKeyFile}`, api]));
  return distinct.size === 0 ? [VAST] : [...distinct.values()];
}

/** An account that could not be read, or a single rental about which nothing is known for that reason. */
export interface UnseenAccount {
  /** Names of the account in states and intents. */
  readonly names: readonly ApiTarget[];
  /** Label of that rental; absent = the whole account. */
  readonly label?: string;
  readonly error: VastError;
}

export interface Opened {
  readonly targets: readonly Target[];
  /** Accounts whose key or address is missing. */
  readonly unseen: readonly UnseenAccount[];
}

/** Opens each account once, even if it has several names. */
export function openTargets(apis: readonly ApiTarget[], env: NodeJS.ProcessEnv): Opened {
  const opened = new Map<string, Target>();
  const unseen: UnseenAccount[] = [];
  for (const api of apis) {
    try {
      const opens = openApi(api, env);
      const name = `${opens.url}\n${opens.keySource}`;
      const target = opened.get(name) ?? { api, names: [], url: opens.url, client: new VastClient(opens) };
      opened.set(name, { ...target, names: [...target.names, api] });
    } catch (error) {
      if (!isVastError(error)) throw error;
      unseen.push({ names: [api], error });
    }
  }
  return { targets: [...opened.values()], unseen };
}

/** Is the account of this rental one of these? */
export function isNamed(names: readonly ApiTarget[], { apiUrl, apiKeyFile }: ApiTarget): boolean {
  return names.some((name) => name.apiUrl === apiUrl && name.apiKeyFile === apiKeyFile);
}

/** Did this intent become this machine? Compares ids, because the label may have changed. */
export function became({ target, instance }: Listed, intent: OpenIntent): boolean {
  return intent.instanceIds.includes(instance.id) && (intent.url === undefined || intent.url === target.url);
}

/** The intent that a machine came from: found by instance id, else by label. */
export function intentOf(row: Listed, intents: readonly OpenIntent[]): OpenIntent | undefined {
  return intents.find((intent) => became(row, intent)) ?? intents.find(({ label }) => label === row.instance.label);
}

/** Does its label name this owner? Compares the owner's whole id, not only its beginning. */
export function isOwnedBy(owner: string, { label }: Pick<Instance, "label">): boolean {
  return label?.startsWith(`vt-${owner}-`) ?? false;
}

/** Finds the stack whose state has a machine; undefined = no stack. */
export type StackFinder = (machine: Listed) => string | undefined;

/**
 * Which stack holds which machine. If a state does not name its API, the instance id alone decides. A state from which
 * no destroy could work holds nothing.
 */
export function heldBy(stacks: readonly StackState[], env: NodeJS.ProcessEnv): StackFinder {
  const held = stacks.flatMap(({ name, resources }) => {
    const instances = resources.filter((resource) => isOf("instance", resource) && !isEarlier(resource));
    return instances.flatMap(({ id, outputs }) => {
      const url = urlOf(outputs, env);
      return [id, outputs.instanceId].map((value) => ({ name, url, id: Number(value) }));
    });
  });
  return ({ target, instance }) =>
    held.find(({ id, url }) => id === instance.id && (url === undefined || url === target.url))?.name;
}

/** undefined = unknown now. */
function urlOf(outputs: Readonly<Record<string, unknown>>, env: NodeJS.ProcessEnv): string | undefined {
  return typeof outputs.apiUrl === "string" ? originOf(targetIn(outputs), env) : undefined;
}

function originOf({ apiUrl }: ApiTarget, env: NodeJS.ProcessEnv): string | undefined {
  try {
    return apiOrigin(apiUrl, env);
  } catch {
    return undefined;
  }
}

/** All labels under which the stack rents or has rented. */
export function labelsOf({ resources }: Pick<StackState, "resources">): string[] {
  const labels = resources.filter(isLabelled).map(({ outputs }) => outputs.label);
  return labels.filter((label) => typeof label === "string" && label !== "") as string[];
}

/** This owner's rentals that are not recorded yet. Throws Failure when one of them cannot be read. */
export function openIntents(env: NodeJS.ProcessEnv): OpenIntent[] {
  const journal = new Journal(openStateDir(env).journalDir);
  const unreadable = journal.unreadable();
  if (unreadable.length > 0) throw new Failure(exitCode.failed, `nothing was done: ${unreadable.join("; ")}`);
  return journal.listOpen().map((intent) => ({ ...intent, process: processOf(intent), url: originOf(intent, env) }));
}

/**
 * Labels of these stacks under which an unknown machine may have been rented: the state has no machine, and this
 * computer's journal does not know every rental.
 */
export function blindLabels(stacks: readonly StackState[], env: NodeJS.ProcessEnv): string[] {
  const journal = new Journal(openStateDir(env).journalDir);
  const empty = stacks.filter(({ resources }) => !resources.some((resource) => isOf("instance", resource)));
  return empty.flatMap(labelsOf).filter((label) => !journal.isKnown(label));
}

function processOf(intent: Intent): OpenIntent["process"] {
  const holder = holderOf(intent);
  if (holder === "nobody") return "ended";
  return holder === "elsewhere" ? "elsewhere" : "running";
}

/** Closes intents of dead processes that became no machine. Intents whose process lives by now are kept. */
export function closeEmpty(intents: readonly OpenIntent[], env: NodeJS.ProcessEnv): void {
  const journal = new Journal(openStateDir(env).journalDir);
  for (const { label } of intents) {
    const intent = journal.find(label);
    if (intent !== undefined && holderOf(intent) === "nobody") journal.close(label);
  }
}
