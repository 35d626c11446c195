import type { Clock } from "../../components/lib/clock.ts";
import { isVastError } from "../../components/vast/client/errors.ts";
import { hiddenFor, WINDOW_MS } from "../../components/vast/client/instance-list.ts";
import { ensureSameAccount } from "../../components/vast/client/same-account.ts";
import { exitCode, Failure } from "../command/failure.ts";
import { became, isNamed, type Listed, type OpenIntent, type Target, type UnseenAccount } from "./fleet.ts";

export interface LookOptions {
  readonly targets: readonly Target[];
  /** Read again after each list, because processes end meanwhile. */
  readonly intents: () => readonly OpenIntent[];
  /** Something may just have been rented without an intent on this computer. */
  readonly isBlind: boolean;
  readonly clock: Clock;
  /** Called once when waiting begins. */
  readonly onWait?: () => void;
}

/** Machines of all accounts that could be read, and the accounts that could not. */
export interface VisibleMachines {
  readonly listed: readonly Listed[];
  readonly unseen: readonly UnseenAccount[];
}

/** Pause between two lists while a new rental may still be missing in them, milliseconds. */
const PAUSE_MS = 2000;

/**
 * All machines, listed again until the last rental must be visible. An account with an incomplete list counts as
 * unseen, and so does a rental in an account that no key here opens.
 */
export async function visibleMachines({
  targets,
  intents,
  isBlind,
  clock,
  onWait,
}: LookOptions): Promise<VisibleMachines> {
  const until = isBlind ? clock.now() + WINDOW_MS : clock.now();
  for (let waits = false; ; waits = true) {
    const left = intents().filter(({ process }) => process !== "running");
    const { listed, unseen } = await lookAtAll(targets, left);
    const hidden = left.filter((intent) => !isShown(intent, listed) && !isUnseen(intent, unseen));
    if (clock.now() >= until && hidden.every((intent) => hiddenFor(intent, clock) === 0)) {
      const nowhere = hidden.filter((intent) => !isMarked(intent, listed));
      const others = await Promise.all(nowhere.map((intent) => inAnotherAccount(targets, intent)));
      return { listed, unseen: [...unseen, ...others.flat()] };
    }
    if (!waits) onWait?.();
    await clock.sleep(PAUSE_MS);
  }
}

/** Was it rented in an account that could not be read? Then nothing is known about it. */
export function isUnseen(intent: OpenIntent, unseen: readonly UnseenAccount[]): boolean {
  return unseen.some(({ names, label }) => label === intent.label || isNamed(names, intent));
}

/** For callers that need every account. Throws VastError for an account that cannot be opened, else Failure. */
export function ensureWhole([first]: readonly UnseenAccount[]): void {
  if (first === undefined) return;
  const { message, kind } = first.error;
  if (kind === "no_key" || kind === "config") throw first.error;
  throw new Failure(
    exitCode.failed,
    `the list of machines is incomplete, so nothing more was done; run this again later (${message})`,
  );
}

async function lookAtAll(targets: readonly Target[], intents: readonly OpenIntent[]): Promise<VisibleMachines> {
  const looks = await Promise.all(
    targets.map(async (target) => unseenOf(target.names, async () => lookAt(target, intents))),
  );
  const unseen = looks.flatMap((look) => ("error" in look ? look : []));
  const listed = looks.flatMap((look) => ("error" in look ? [] : look));
  // Two keys may open one account.
  return { listed: [...new Map(listed.map((row) => [`${row.target.url} ${row.instance.id}`, row])).values()], unseen };
}

/** The list, and machines that an intent names but the list lacks: asked for singly, they may be found. */
async function lookAt(target: Target, intents: readonly OpenIntent[]): Promise<Listed[]> {
  const instances = await target.client.instances();
  const named = intents.filter((intent) => isNamed(target.names, intent)).flatMap(({ instanceIds }) => instanceIds);
  for (const id of new Set(named)) {
    const instance = instances.some((row) => row.id === id) ? undefined : await target.client.instance(id);
    if (instance !== undefined) instances.push(instance);
  }
  return instances.map((instance): Listed => ({ target, instance }));
}

/** Are all machines of an intent listed? If its id is unknown, a label is no proof: an older machine may carry it. */
function isShown(intent: OpenIntent, listed: readonly Listed[]): boolean {
  const shown = listed.filter((row) => became(row, intent));
  return shown.length > 0 && shown.length === intent.instanceIds.length;
}

/** For an intent without a known id: does any machine carry its label? Then this key opens the intent's account. */
function isMarked({ label, instanceIds }: OpenIntent, listed: readonly Listed[]): boolean {
  return instanceIds.length === 0 && listed.some(({ instance }) => instance.label === label);
}

/** Rentals in another account: with this key, such a machine seems not to exist although it costs money. */
async function inAnotherAccount(targets: readonly Target[], intent: OpenIntent): Promise<UnseenAccount[]> {
  const { label, instanceIds } = intent;
  const own = targets.find(({ names }) => isNamed(names, intent)) ?? targets[0];
  if (own === undefined) return [];
  const what = `what a process of yours was renting as ${label}`;
  const same = await unseenOf([], async () => {
    await ensureSameAccount(own.client, { what, name: instanceIds[0] ?? label }, intent);
    return [];
  });
  return "error" in same ? [{ ...same, label }] : [];
}

async function unseenOf<T>(names: UnseenAccount["names"], look: () => Promise<T[]>): Promise<T[] | UnseenAccount> {
  try {
    return await look();
  } catch (error) {
    if (!isVastError(error)) throw error;
    return { names, error };
  }
}
