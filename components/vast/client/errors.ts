import { printable } from "../../lib/text.ts";

/** What can go wrong between us and Vast. Callers decide by kind and never look at an HTTP status. */
export type VastErrorKind =
  | "config" // apiUrl or apiKeyFile of the stack cannot be used
  | "no_key" // no API key was found, or the file that should hold it does not
  | "auth" // Vast refuses the key
  | "forbidden" // the key is good, but may not do this (scope, team, two-factor, foreign instance)
  | "no_credit" // the account cannot pay
  | "spend_limit" // a limit on what a new account may spend
  | "offer_gone" // somebody else was faster, or the machine cannot start now: take the next offer
  | "invalid" // a value is refused: the same request will never work
  | "no_such_instance" // Vast says that this instance does not exist (positively gone, or never ours)
  | "rate_limited" // too many calls; not carried out; `thresholdSeconds` when Vast told it
  | "search_quota" // no more searches until `resetsAt`; all other calls go on
  | "ambiguous" // a rental that may or may not have happened: look for the label, never rent again
  | "unreachable" // no answer
  | "server" // a 5xx, or an answer that cannot be read
  | "refused" // HTTP 200 with success:false, such as a start that was queued
  | "incomplete" // a list that is not whole: nothing may be concluded from what it lacks
  | "not_running" // the instance is there, but stopped, failed or offline, so nobody can log in
  | "aborted" // the caller called it off before anything was sent
  | "no_login"; // the instance runs, but no ssh endpoint let us in before the deadline

/** What else is known about an error. */
export interface VastErrorFacts {
  /** An instance that Vast made although it answered with an error. It costs money: release it. */
  readonly newContract?: number;
  /** Seconds between two calls of this endpoint, as a 429 told it. */
  readonly thresholdSeconds?: number;
  /** Milliseconds since 1970. */
  readonly resetsAt?: number;
  /** The scheduled job that makes the same call already. */
  readonly jobId?: number;
  /** What the user can do: a clause, with which the message ends. */
  readonly remedy?: string | undefined;
  /** Vast's own machine-readable code, such as `resources_unavailable`. */
  readonly code?: string;
}

/** The one error of everything that talks to Vast. `message` is one printable line for people and holds no key. */
export interface VastError extends Error, VastErrorFacts {
  readonly name: "VastError";
  readonly kind: VastErrorKind;
  /** The message without the remedy. */
  readonly found: string;
}

/** Builds a VastError; control characters in what it says are removed. */
export function vastError(kind: VastErrorKind, found: string, facts: VastErrorFacts = {}): VastError {
  const { remedy } = facts;
  const error = new Error(printable(remedy === undefined ? found : `${found}; ${remedy}`, 1000));
  return Object.assign(error, { name: "VastError" as const, kind, found: printable(found, 1000), ...facts });
}

/** Is this an error from Vast, and one of these kinds (any kind when none is named)? */
export function isVastError(error: unknown, ...kinds: VastErrorKind[]): error is VastError {
  if (!(error instanceof Error) || error.name !== "VastError") return false;
  return kinds.length === 0 || kinds.includes((error as VastError).kind);
}

/** Vast cannot be asked for a moment, or for searches until a time of day: asking again may help. */
export function isPassing(error: unknown): boolean {
  return isVastError(error, "unreachable", "server", "rate_limited", "search_quota", "incomplete");
}
