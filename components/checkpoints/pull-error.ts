import { printable } from "../vast/text.ts";

export type PullFailure =
  | "unreachable" // the connection broke, or nobody answered
  | "disk_full" // no room here
  | "mismatch" // a file at home is not what the machine has
  | "failed"; // anything else, such as a folder that cannot be written

/** Why checkpoints did not come home. `message` is one printable clause for people. */
export interface PullError extends Error {
  readonly name: "PullError";
  readonly kind: PullFailure;
}

export function pullError(kind: PullFailure, message: string): PullError {
  return Object.assign(new Error(printable(message, 800)), { name: "PullError" as const, kind });
}

export function isPullError(error: unknown, ...kinds: PullFailure[]): error is PullError {
  if (!(error instanceof Error) || error.name !== "PullError") return false;
  return kinds.length === 0 || kinds.includes((error as PullError).kind);
}
