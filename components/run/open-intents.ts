import * as pulumi from "@pulumi/pulumi";
import { perHour } from "../lib/money.ts";
import type { StateDir } from "../lib/state-dir.ts";
import { ownCommand } from "../pulumi/own-command.ts";
import { holderOf, type Intent, Journal, stackOf } from "../vast/journal/journal.ts";

/**
 * Warns of rentals whose process ended before they were settled: a machine may bill that no state has. Covers all
 * stacks of this owner, because the other stack may not be looked at for days. Asks no API.
 */
export function warnOfOpenIntents(dir: StateDir, stack: string, warn = warning): void {
  const journal = new Journal(dir.journalDir);
  const open = journal.listOpen().filter((intent) => holderOf(intent) === "nobody");
  for (const intent of open) warn(intentText(intent, stack, Date.now()));
  for (const text of journal.unreadable()) warn(text);
}

function warning(text: string): void {
  void pulumi.log.warn(text);
}

/** What was being rented, how long ago, and what settles it. */
export function intentText(intent: Intent, stack: string, now: number): string {
  const { label, instanceIds, perHour: price, at } = intent;
  const theirs = stackOf(intent);
  const named = instanceIds.map((id) => `instance ${id}`).join(" and ");
  const what = named === "" ? "what came of it is not known" : named;
  const costs = price === undefined ? "" : `, up to ${perHour(price)}`;
  const minutes = Math.round((now - at) / 60_000);
  const own =
    theirs === stack
      ? "this stack's up settles it; where Pulumi says that the stack is locked, first"
      : "settle it with";
  const settles = `${own}: ${ownCommand(settling(theirs))}`;
  return `an earlier process ended while it was renting ${label} (${what}${costs}), ${minutes} min ago; ${settles}`;
}

/** The word that settles it; a rental for no stack has none to destroy. */
function settling(stack: string | undefined): string {
  return stack === undefined ? "sweep --destroy" : `recover -s ${stack}`;
}
