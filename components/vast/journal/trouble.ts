import { perHour } from "../../lib/money.ts";
import { ownCommand } from "../../pulumi/own-command.ts";
import { rateOf } from "../client/phase.ts";
import type { Renter } from "../client/same-account.ts";
import type { Instance } from "../client/wire.ts";
import { isUnreadable } from "./entry.ts";
import { type Intent, type Journal, stackOf } from "./journal.ts";

/** Names what is left and the command that ends its bill, of Vast's own client: it works when ours has failed. */
export function leftText(id: number, label: string | null, perHour: number | null): string {
  const price = perHour === null ? "" : ` and costs up to $${perHour.toFixed(3)}/h`;
  const name = label === null ? "" : ` (${label})`;
  return `instance ${id}${name} is still there${price}; this ends it: vastai destroy instance ${id}`;
}

/** Names a machine that is kept because its disk may hold something, and how to end its bill without losing that. */
export function keptText(id: number | string, label: string | null, perHour: number | null): string {
  const price = perHour === null ? "" : ` and costs up to $${perHour.toFixed(3)}/h`;
  const name = label === null ? "" : ` (${label})`;
  return `instance ${id}${name} is kept${price}; pulumi destroy saves its checkpoints and ends it`;
}

/** Names a second instance under a label, and the command that ends it. It may come of a rental carried out late. */
export function twinText(twin: Instance): string {
  const { id, label } = twin;
  const rate = rateOf(twin);
  const price = rate === null ? "bills" : `costs ${perHour(rate)}`;
  return `instance ${id} carries the label ${label} as well and ${price}: a run has one instance; this ends it: ${ownCommand(`sweep --destroy ${id}`)}, or vastai destroy instance ${id}`;
}

/** Names what bills, or may bill, because of an open intent, and the commands that end it. */
export function leftBehind({ label, urn, instanceIds, perHour: price }: Intent): string {
  const costs = price === undefined ? "" : ` and costs up to ${perHour(price)}`;
  const stack = stackOf({ urn });
  const ours = stack === undefined ? ownCommand("sweep --destroy") : `pulumi destroy -s ${stack}`;
  if (instanceIds.length === 0) {
    return `a machine rented as ${label} may be there${costs}; this ends it: ${ours}, or vastai destroy instance with the id that vastai show instances has for this label`;
  }
  const named = instanceIds.map((id) => `instance ${id}`).join(" and ");
  const there = instanceIds.length === 1 ? `is still there${costs}; this ends it` : "are still there; this ends them";
  const theirs = instanceIds.map((id) => `vastai destroy instance ${id}`).join(" and ");
  return `${named} (${label}) ${there}: ${ours}, or ${theirs}`;
}

/** What becomes of what is being rented or started after one ^C, and after a second one. */
export function cancelledText({ instanceIds: [id] }: Pick<Intent, "instanceIds">): string {
  const what = id === undefined ? "what is being rented" : `instance ${id}`;
  return `^C: ${what} is waited for until it is ready, and kept; a second ^C leaves it at once: it bills, and the next pulumi up takes it over`;
}

/** The same behind each text of progress, which may have half a line. */
export const CANCELLED = "kept when ready; ^C again leaves it";

/** How to repair the stack after a kill. Pulumi itself suggests only "pulumi cancel", which does half of it. */
export function afterKill({ urn }: Pick<Intent, "urn">): string {
  const stack = stackOf({ urn });
  return stack === undefined
    ? ""
    : `; where Pulumi says that the stack is locked, first: ${ownCommand(`recover -s ${stack}`)}`;
}

/** Adds to an error's message what an open intent may have left. The kind of error stays. */
export function tellOpen(error: unknown, journal: Pick<Journal, "find">, label: string): unknown {
  if (!(error instanceof Error) || isStranded(error) || isUnreadable(error)) return error;
  const left = leftUnder(label, journal);
  if (left !== undefined) error.message = `${error.message}; ${left}`;
  return error;
}

function leftUnder(label: string, journal: Pick<Journal, "find">): string | undefined {
  try {
    const intent = journal.find(label);
    return intent && leftBehind(intent);
  } catch (error) {
    return (error as Error).message;
  }
}

/** The message of a destroy that cannot tell whether it is done. */
export function unsureText(label: string, reason: string): string {
  return `something rented as ${label} may still be there: ${reason}; pulumi destroy looks again, and ends what carries this label`;
}

/** Machines that are not released, each with its reason, its price and what ends it. */
export interface Kept extends Error {
  readonly name: "Kept";
}

export function kept(reasons: readonly string[]): Kept {
  return Object.assign(new Error(reasons.join("; ")), { name: "Kept" as const });
}

export function isKept(error: unknown): error is Kept {
  return error instanceof Error && error.name === "Kept";
}

/** A machine that exists but could not be brought up or released. It must be recorded in the state. */
export interface Stranded extends Error {
  readonly name: "Stranded";
  readonly instance: Instance;
  /** true = given up: the next run releases it; false = its disk may hold something. */
  readonly givenUp: boolean;
  /** The process that rented it, if this run did. */
  readonly renter?: Renter;
}

export function stranded(instance: Instance, message: string, givenUp: boolean): Stranded {
  const { id, label, totalPerHour } = instance;
  const text = givenUp ? message : `${message}; ${keptText(id, label, totalPerHour)}`;
  return Object.assign(new Error(text), { name: "Stranded" as const, instance, givenUp });
}

export function isStranded(error: unknown): error is Stranded {
  return error instanceof Error && error.name === "Stranded";
}
