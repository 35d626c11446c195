import { writeSync } from "node:fs";
import { constants } from "node:os";
import * as pulumi from "@pulumi/pulumi";
import { perHour } from "./vast/price.ts";

/** What has been rented. */
export interface Billed {
  readonly id: pulumi.Output<string>;
  readonly pricePerHour: pulumi.Output<number>;
}

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/**
 * Lets an `up` that fails after the machine was rented, whatever failed, say what goes on billing and what ends it.
 * When a resource fails Pulumi ends the program by a signal, so it is said synchronously, as the last thing.
 */
export function sayWhatBillsAtBadEnd({ id, pricePerHour }: Billed, stack: string): void {
  if (pulumi.runtime.isDryRun()) return;
  let text: string | undefined;
  pulumi.all([id, pricePerHour]).apply(([instanceId, price]) => {
    text = billText(instanceId, price, stack);
  });
  process.once("exit", (code) => {
    if (code !== 0 && text !== undefined) writeSync(process.stderr.fd, `${text}\n`);
  });
  for (const name of SIGNALS) process.once(name, () => process.exit(128 + constants.signals[name]));
}

/** Vast's own client is named as well: it works when all of ours has failed. */
export function billText(instanceId: string, price: number | null, stack: string): string {
  const costs = price === null ? "costing" : `costing up to ${perHour(price)}`;
  return `instance ${instanceId} goes on ${costs}; this ends it: pulumi destroy -s ${stack}, or, when that fails, vastai destroy instance ${instanceId}`;
}
