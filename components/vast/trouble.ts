import { isVastError } from "./errors.ts";
import type { Instance } from "./wire.ts";

/** Vast cannot be asked for a moment: asking again may help. */
export function isPassing(error: unknown): boolean {
  return isVastError(error, "unreachable", "server", "rate_limited", "incomplete");
}

/** What is left, and what ends its bill. Vast's own client is named: it works when all of ours has failed. */
export function leftText(id: number, label: string | null, perHour: number | null): string {
  const price = perHour === null ? "" : ` and costs up to $${perHour.toFixed(3)}/h`;
  const name = label === null ? "" : ` (${label})`;
  return `instance ${id}${name} is still there${price}; this ends it: vastai destroy instance ${id}`;
}

/** What is kept because its disk may hold something, and what ends its bill without losing that. */
export function keptText(id: number | string, label: string | null, perHour: number | null): string {
  const price = perHour === null ? "" : ` and costs up to $${perHour.toFixed(3)}/h`;
  const name = label === null ? "" : ` (${label})`;
  return `instance ${id}${name} is kept${price}; pulumi destroy saves its checkpoints and ends it`;
}

/** A machine that exists, and could not be brought up, kept or released: it must get into the state. */
export interface Stranded extends Error {
  readonly name: "Stranded";
  readonly instance: Instance;
  /** It was given up, so the next run is to release it; false = it may hold something. */
  readonly givenUp: boolean;
}

export function stranded(instance: Instance, message: string, givenUp: boolean): Stranded {
  const { id, label, totalPerHour } = instance;
  const text = givenUp ? message : `${message}; ${keptText(id, label, totalPerHour)}`;
  return Object.assign(new Error(text), { name: "Stranded" as const, instance, givenUp });
}

export function isStranded(error: unknown): error is Stranded {
  return error instanceof Error && error.name === "Stranded";
}
