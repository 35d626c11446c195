import type { Clock } from "../../lib/clock.ts";
import type { VastClient } from "../client/client.ts";
import { isVastError } from "../client/errors.ts";
import { LATE_MS } from "../client/instance-list.ts";
import type { Instance } from "../client/wire.ts";
import { place } from "./lease.ts";

interface Arming {
  readonly client: VastClient;
  readonly clock: Pick<Clock, "now" | "sleep">;
  readonly say: (text: string) => Promise<void>;
}

/**
 * The order to delete a machine is sent within this time after its rental, or never. A run that takes the machine over
 * waits until then.
 */
const ARM_MS = 15_000;

/**
 * Orders Vast to delete a machine, just rented, later on: it ends even if nobody comes back for it. If Vast refuses,
 * that is only reported.
 */
export async function arm({ client, clock, say }: Arming, id: number, minutes: number): Promise<void> {
  const rentedAt = clock.now();
  const mayLeave = async () => clock.now() - rentedAt < ARM_MS;
  try {
    await place(client, "delete", id, minutes, mayLeave);
  } catch (error) {
    if (!isVastError(error)) throw error;
    await say(`no lease: Vast takes no job that ends instance ${id} by itself (${error.message})`);
  }
}

/** Waits until no such order can still arrive from the process that rented the machine, which may have been killed. */
export async function awaitArmed({ client, clock }: Arming, { startedAt }: Instance): Promise<void> {
  const { vastNow } = client;
  const age = startedAt === null || vastNow === undefined ? 0 : Math.max(vastNow - startedAt * 1000, 0);
  await clock.sleep(Math.max(ARM_MS + LATE_MS - age, 0));
}
