import { writeSync } from "node:fs";
import { constants } from "node:os";
import * as pulumi from "@pulumi/pulumi";
import { perHour } from "../lib/money.ts";
import { hidden } from "../lib/secrets.ts";
import { isVastError } from "../vast/client/errors.ts";
import { holderOf, type Intent, type Journal, stackOf } from "../vast/journal/journal.ts";
import { type LabelParts, labelStem } from "../vast/journal/label.ts";
import { leftBehind } from "../vast/journal/trouble.ts";
import { openJournal } from "../vast/ready/connect.ts";
import type { Vast } from "./account.ts";

/** What has been rented. */
export interface Billed {
  readonly id: pulumi.Output<string>;
  readonly pricePerHour: pulumi.Output<number>;
}

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/**
 * After a rental, makes an `up` that fails for any reason say what goes on billing and what ends it. Pulumi ends a
 * program by a signal when a resource fails, so this prints synchronously, last.
 */
export function sayWhatBillsAtBadEnd({ id, pricePerHour }: Billed, stack: string): void {
  if (pulumi.runtime.isDryRun()) return;
  const named = new Map<string, string>();
  pulumi.all([id, pricePerHour]).apply(([instanceId, price]) => {
    named.set(instanceId, billText(instanceId, price, stack));
  });
  const journal = openJournal();
  process.once("exit", (code) => {
    if (code === 0) return;
    const lines = [...named.values(), ...leftLines(journal, stack, [...named.keys()].map(Number)), ""];
    writeSync(process.stderr.fd, hidden(lines.join("\n")));
  });
  for (const name of SIGNALS) process.once(name, () => process.exit(128 + constants.signals[name]));
}

/**
 * What killed processes of this stack were renting, a line each: no resource knows of it.
 *
 * @param named instances of which something is said already
 */
export function leftLines(journal: Pick<Journal, "listOpen">, stack: string, named: readonly number[] = []): string[] {
  const left = journal.listOpen().filter((intent) => stackOf(intent) === stack && holderOf(intent) === "nobody");
  const isNamed = ({ instanceIds: ids }: Intent) => ids.length > 0 && ids.every((id) => named.includes(id));
  return left.filter((intent) => !isNamed(intent)).map(leftBehind);
}

/** Also names Vast's own client, which works when all of ours has failed. */
export function billText(instanceId: string, price: number | null, stack: string): string {
  const costs = price === null ? "costing" : `costing up to ${perHour(price)}`;
  return `instance ${instanceId} goes on ${costs}; this ends it: pulumi destroy -s ${stack}, or, when that fails, vastai destroy instance ${instanceId}`;
}

/**
 * What earlier runs of a stack rented and what ends it, a line each: a run that stops before anything is registered
 * does not know its machine. Empty when there is none, or Vast cannot be asked.
 */
export async function billLines({ client }: Vast, whose: LabelParts): Promise<string[]> {
  try {
    const stem = labelStem(whose);
    const rows = (await client.instances()).filter(({ label }) => label?.startsWith(stem) === true);
    return rows.map(({ id, totalPerHour }) => billText(String(id), totalPerHour, whose.stack));
  } catch (error) {
    if (isVastError(error)) return [];
    throw error;
  }
}
