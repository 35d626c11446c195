import type { SshKey } from "../ssh-key.ts";

/** Checkpoints to bring home from a machine that lets us in. */
export interface PullRequest {
  readonly instanceId: number;
  /** Answers now (`liveEndpoint`); its host key is pinned. */
  readonly endpoint: { readonly host: string; readonly port: number };
  readonly key: Pick<SshKey, "privateKeyFile" | "knownHostsFile">;
  /** Folder on the machine, absolute. */
  readonly from: string;
  /** Folder here, absolute; made when missing. Nothing in it is ever deleted. */
  readonly to: string;
  /** Training may go on meanwhile: files that keep changing are reported, not an error. Default false. */
  readonly live?: boolean;
}

/** What is at home now, every file compared by sha256 with a manifest made on the machine. */
export interface Pulled {
  readonly files: number;
  readonly bytes: number;
  /** Printable names of files that changed while they were copied; only with `live`. */
  readonly changing: readonly string[];
}

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

/**
 * Copies and verifies. `progress` hears of short texts such as "checkpoints 45 %, 12.3MB/s". A folder that does not exist
 * on the machine is an empty one. Throws PullError.
 */
export declare function pullCheckpoints(
  request: PullRequest,
  progress?: (text: string) => void,
  signal?: AbortSignal,
): Promise<Pulled>;

/** Where an instance's checkpoints come home to. */
export declare function checkpointsHome(checkpointsTo: string, stack: string, instanceId: number): string;
