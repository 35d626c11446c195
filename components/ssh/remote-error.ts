import { printable } from "../lib/text.ts";

export type RemoteFailure =
  | "unreachable" // the connection broke, or nobody answered
  | "disk_full" // no room here
  | "mismatch" // a file at home is not what the machine has
  | "invalid" // an address or a host key that is none
  | "no_ssh" // there is no ssh here that could be run
  | "stalling" // it answers, and takes longer than anything may, or sends next to nothing
  | "failed"; // anything else, such as a folder that cannot be written

/** An error on a machine, or on the way to it. `message` is one printable clause for people. */
export interface RemoteError extends Error {
  readonly name: "RemoteError";
  readonly kind: RemoteFailure;
}

export function remoteError(kind: RemoteFailure, message: string): RemoteError {
  return Object.assign(new Error(printable(message, 800)), { name: "RemoteError" as const, kind });
}

export function isRemoteError(error: unknown, ...kinds: RemoteFailure[]): error is RemoteError {
  if (!(error instanceof Error) || error.name !== "RemoteError") return false;
  return kinds.length === 0 || kinds.includes((error as RemoteError).kind);
}
