import { perHour } from "../../lib/money.ts";
import type { VastClient } from "../client/client.ts";
import { diskText, isDown, phaseOf } from "../client/phase.ts";
import type { Instance } from "../client/wire.ts";

/**
 * Stops an instance that is kept, so that it costs its disk alone; one clause about how that went, with the price.
 * Never throws: who keeps it has an error to tell already.
 */
export async function stopToKeep(client: Pick<VastClient, "setState">, instance: Instance): Promise<string> {
  const { id, totalPerHour } = instance;
  const disk = diskText(instance);
  // A start that is queued may come about, and bill.
  if (isDown(instance) && phaseOf(instance).cause !== "queued") return `it is stopped, and ${disk}`;
  try {
    await client.setState(id, "stopped");
    return `it was stopped, and ${disk}`;
  } catch (error) {
    const price = totalPerHour === null ? "" : `, at ${perHour(totalPerHour)}`;
    return `IT COULD NOT BE STOPPED AND GOES ON BILLING${price} (${(error as Error).message}); this stops it: vastai stop instance ${id}`;
  }
}
