import type { Clock } from "../../components/lib/clock.ts";
import { isVastError } from "../../components/vast/client/errors.ts";
import { hiddenFor, WINDOW_MS } from "../../components/vast/client/instance-list.ts";
import { ensureSameAccount } from "../../components/vast/client/same-account.ts";
import { exitCode, Failure } from "../command/failure.ts";
import { became, isTargetOf, type Listed, machinesOf, type OpenIntent, type Target } from "./fleet.ts";

export interface Looking {
  readonly targets: readonly Target[];
  /** Asked again after each list: processes end meanwhile. */
  readonly intents: () => readonly OpenIntent[];
  /** Something may have been rented a moment ago of which there is no intent here. */
  readonly isBlind: boolean;
  readonly clock: Clock;
  /** Hears once that something has to be waited for. */
  readonly onWait?: () => void;
}

/** Between two lists while something that was rented a moment ago may still be invisible. */
const PAUSE_MS = 2000;

/**
 * All machines, looked at again until what was rented last would be seen. Throws Failure when a
 * list cannot be seen whole, or when no key opens the account in which something was being rented.
 */
export async function visibleMachines({ targets, intents, isBlind, clock, onWait }: Looking): Promise<Listed[]> {
  const until = isBlind ? clock.now() + WINDOW_MS : clock.now();
  for (let waits = false; ; waits = true) {
    const left = intents().filter(({ process }) => process !== "running");
    const listed = await whole(async () => withNamed(await machinesOf(targets), targets, left));
    const hidden = left.filter((intent) => !isShown(intent, listed));
    if (clock.now() >= until && hidden.every((intent) => hiddenFor(intent, clock) === 0)) {
      for (const intent of hidden) await whole(() => ensureOpened(targets, intent));
      return listed;
    }
    if (!waits) onWait?.();
    await clock.sleep(PAUSE_MS);
  }
}

/** Is all shown that an intent became? While its id is not known, what carries its label may be an older one. */
function isShown(intent: OpenIntent, listed: readonly Listed[]): boolean {
  const shown = listed.filter((row) => became(row, intent));
  return shown.length > 0 && shown.length === intent.instanceIds.length;
}

/** With those that an intent names and the list lacks: the single view may know them all the same. */
async function withNamed(
  listed: readonly Listed[],
  targets: readonly Target[],
  intents: readonly OpenIntent[],
): Promise<Listed[]> {
  const named: Listed[] = [];
  for (const intent of intents) {
    const target = targets.find((each) => isTargetOf(each, intent));
    const lacks = (id: number) => !listed.some((row) => row.instance.id === id && row.target.url === target?.url);
    for (const id of intent.instanceIds.filter(lacks)) {
      const instance = await target?.client.instance(id);
      if (target !== undefined && instance !== undefined) named.push({ target, instance });
    }
  }
  return [...listed, ...named];
}

/** To the key of another account a machine that bills is none. */
async function ensureOpened(targets: readonly Target[], intent: OpenIntent) {
  const { label, accountId } = intent;
  const own = targets.find((target) => isTargetOf(target, intent)) ?? targets[0];
  if (own !== undefined)
    await ensureSameAccount(own.client, `what a process of yours was renting as ${label}`, accountId);
}

async function whole<T>(look: () => Promise<T>): Promise<T> {
  try {
    return await look();
  } catch (error) {
    if (!isVastError(error)) throw error;
    throw new Failure(
      exitCode.failed,
      `what was rented cannot be seen whole, so nothing more was done; run this again later (${error.message})`,
    );
  }
}
