import type { StateDir } from "./state-dir.ts";

/** A key pair that opens rented machines, and where the host keys of those machines are pinned. */
export interface SshKey {
  /** Path of the unencrypted private key. */
  readonly privateKeyFile: string;
  /** `type base64 comment`, one line. */
  readonly publicKey: string;
  /** Host keys by alias `vast-<instance id>`, so that both endpoints of a machine share one. */
  readonly knownHostsFile: string;
}

/** What one ssh connection needs to know. */
export interface SshTarget {
  readonly privateKeyFile: string;
  readonly knownHostsFile: string;
  readonly port: number;
  readonly instanceId: number;
  /** Accept and note a host key that was never seen; default false = only a pinned one. */
  readonly firstUse?: boolean;
  /** Also offer the keys of the user's agent; default false, so that a dead agent cannot hurt. */
  readonly agent?: boolean;
  /** Fail instead of asking; default true. */
  readonly batch?: boolean;
}

/** The key of the stack config (`sshKey`, a path), or with "" the state directory's own, made on first use. */
export declare function ownSshKey(dir: StateDir, configured: string): SshKey;
/** The options of every system ssh call, without `root@host` and command: the only place that knows them. */
export declare function sshArgs(target: SshTarget): string[];
