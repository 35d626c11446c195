import { perHour } from "../../lib/money.ts";
import type { VastClient } from "../client/client.ts";
import { diskText, isDown, phaseOf } from "../client/phase.ts";
import type { Instance } from "../client/wire.ts";

/**
 * Stops an instance that is kept, so that only its disk is billed; answers with a clause about how that went, with the
 * price. Never throws: the caller has an error to report already.
 */
export async function stopToKeep(client: Pick<VastClient, "setState">, instance: Instance): Promise<string> {
  const { id, totalPerHour } = instance;
  const disk = diskText(instance);
  // A queued start may still happen, and bill.
  if (isDown(instance) && phaseOf(instance).cause !== "queued") return `it is stopped, and ${disk}`;
  try {
    await client.setState(id, "stopped");
    return `it was stopped, and ${disk}`;
  } catch (error) {
    const price = totalPerHour === null ? "" : `, at ${perHour(totalPerHour)}`;
    return `IT COULD NOT BE STOPPED AND GOES ON BILLING${price} (${(error as Error).message}); this stops it: vastai stop instance ${id}`;
  }
}
