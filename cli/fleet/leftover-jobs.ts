import type { Clock } from "../../components/lib/clock.ts";
import { isVastError } from "../../components/vast/client/errors.ts";
import { clearLeftovers, knowsNoJobs } from "../../components/vast/lease/lease.ts";
import type { Target } from "./fleet.ts";

/**
 * Removes scheduled jobs of machines that are gone, in each account. Prints a line for each job, or why an account
 * could not be read.
 */
export async function clearJobs(targets: readonly Target[], clock: Clock, note: (text: string) => void): Promise<void> {
  for (const { client } of targets) {
    try {
      for (const line of await clearLeftovers(client, clock)) note(line);
    } catch (error) {
      if (!isVastError(error)) throw error;
      if (!knowsNoJobs(error)) note(`Vast's scheduled jobs cannot be looked at now: ${error.message}`);
    }
  }
}
