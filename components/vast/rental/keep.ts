import { perHour } from "../../lib/money.ts";
import type { VastClient } from "../client/client.ts";
import { phaseOf } from "../client/phase.ts";
import type { Instance } from "../client/wire.ts";

/**
 * Stops an instance that is kept, so that it costs its disk alone; one clause about how that went, with the price.
 * Never throws: who keeps it has an error to tell already.
 */
export async function stopToKeep(client: Pick<VastClient, "setState">, instance: Instance): Promise<string> {
  const { id, diskPerHour, totalPerHour } = instance;
  const disk = diskPerHour === null ? "its disk goes on billing" : `its disk goes on costing ${perHour(diskPerHour)}`;
  const { phase, cause } = phaseOf(instance);
  if (phase === "stopped" && cause !== "frozen" && cause !== "queued") return `it is stopped, and ${disk}`;
  try {
    await client.setState(id, "stopped");
    return `it was stopped, and ${disk}`;
  } catch (error) {
    const price = totalPerHour === null ? "" : `, at ${perHour(totalPerHour)}`;
    return `IT COULD NOT BE STOPPED AND GOES ON BILLING${price} (${(error as Error).message}); this stops it: vastai stop instance ${id}`;
  }
}
