import { isRemoteError } from "../../ssh/remote-error.ts";
import { isVastError } from "../client/errors.ts";
import type { Instance } from "../client/wire.ts";
import type { Intent } from "../journal/journal.ts";
import { kept } from "../journal/trouble.ts";
import type { Means } from "../ready/means.ts";
import { isUntouched } from "../ready/traces.ts";
import { stopToKeep } from "./keep.ts";

/** Why an instance cannot be released without asking the user. */
export interface Doubt {
  /** true = a login worked and found that training has run there; false = nobody could look. */
  readonly seen: boolean;
  /** One clause. */
  readonly why: string;
}

/** What a look at an instance needs. */
export type Looking = Pick<Means, "client" | "clock" | "logins" | "progress">;

/**
 * Does the intent prove that no step has begun on this instance? It does for those it names; while it names none, for
 * any that carries its label and is in no record.
 */
export function provesUntouched(intent: Intent | undefined, id: number): boolean {
  const { untouched = false, instanceIds = [], record } = intent ?? {};
  if (instanceIds.length > 0) return untouched && instanceIds.includes(id);
  return untouched && record?.rented.includes(id) !== true;
}

const PATIENCE_MS = 60_000;

/**
 * Why training may have run on it; undefined = a login has found no trace of any, or the instance is gone. Changes
 * nothing.
 */
export async function doubtAbout(
  { clock, logins, progress }: Looking,
  id: number,
  patienceMs = PATIENCE_MS,
): Promise<Doubt | undefined> {
  const patience = { deadline: clock.now() + patienceMs, signal: AbortSignal.timeout(2 * patienceMs) };
  progress(`looking whether training has run on instance ${id}`);
  try {
    const endpoint = await logins.login(id, patience);
    const traces = await logins.traces(id, endpoint, patience);
    return isUntouched(traces) ? undefined : { seen: true, why: "training has run on it" };
  } catch (error) {
    if (isVastError(error, "no_such_instance")) return undefined;
    if (isVastError(error) || isRemoteError(error)) return { seen: false, why: error.message };
    throw error;
  }
}

/**
 * Returns when the instance provably never ran a training of ours, or the user gives up what is on it; else throws why
 * it is kept. One that nobody can look into is stopped first, so that only its disk is billed.
 *
 * @param instead one sentence: what brings home what is on it
 * @param env VAST_DISCARD_CHECKPOINTS: the user gives up what is on exactly this one
 */
export async function ensureUntouched(
  means: Looking,
  instance: Instance,
  instead: string,
  env: NodeJS.ProcessEnv = process.env,
): Promise<void> {
  const { id } = instance;
  if (env.VAST_DISCARD_CHECKPOINTS === String(id)) return;
  const doubt = await doubtAbout(means, id);
  if (doubt === undefined) return;
  const { seen, why } = doubt;
  const costs = seen ? "it goes on billing" : await stopToKeep(means.client, instance);
  throw kept([
    `instance ${id} is kept, because ${seen ? why : `nobody can see whether checkpoints are on it (${why})`}; ${costs}. ` +
      `${instead} To give up what is on it, put VAST_DISCARD_CHECKPOINTS=${id} before the command`,
  ]);
}
