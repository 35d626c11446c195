import type { Clock } from "../../components/lib/clock.ts";
import { isVastError } from "../../components/vast/client/errors.ts";
import { ensureSameAccount } from "../../components/vast/client/same-account.ts";
import { visibleBy } from "../../components/vast/rental/settle.ts";
import { exitCode, Failure } from "../command/failure.ts";
import { type Listed, machinesOf, type OpenIntent, type Target } from "./fleet.ts";

export interface Looking {
  readonly targets: readonly Target[];
  /** Asked again after each list: processes end meanwhile. */
  readonly intents: () => readonly OpenIntent[];
  readonly clock: Pick<Clock, "now" | "sleep">;
  /** Hears once that something has to be waited for. */
  readonly onWait?: () => void;
}

/** Between two lists while something that was rented a moment ago may still be invisible. */
const PAUSE_MS = 2000;

/**
 * All machines, looked at again until what processes that have ended rented last would be seen. Throws Failure when a
 * list cannot be seen whole, or when no key opens the account in which something was being rented.
 */
export async function visibleMachines({ targets, intents, clock, onWait }: Looking): Promise<Listed[]> {
  for (let waits = false; ; waits = true) {
    const listed = await whole(() => machinesOf(targets));
    const labels = new Set(listed.map(({ instance }) => instance.label));
    const hidden = intents().filter(({ label, process }) => process !== "running" && !labels.has(label));
    if (hidden.every((intent) => clock.now() >= visibleBy(intent))) {
      for (const intent of hidden) await whole(() => ensureOpened(targets, intent));
      return listed;
    }
    if (!waits) onWait?.();
    await clock.sleep(PAUSE_MS);
  }
}

/** To the key of another account a machine that bills is none. */
async function ensureOpened(targets: readonly Target[], intent: OpenIntent) {
  const { label, instanceId, apiUrl, apiKeyFile } = intent;
  const own = targets.find(({ api }) => api.apiUrl === apiUrl && api.apiKeyFile === apiKeyFile) ?? targets[0];
  if (own === undefined) return;
  const what = `what a process of yours was renting as ${label}`;
  await ensureSameAccount(own.client, { what, name: instanceId ?? label }, intent);
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
