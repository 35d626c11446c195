import type { SshKey } from "../ssh-key.ts";
import type { VastClient } from "./client.ts";
import type { Instance } from "./wire.ts";

export interface Endpoint {
  readonly host: string;
  readonly port: number;
  readonly via: "direct" | "proxy";
}

export interface Endpoints {
  readonly direct?: Endpoint;
  readonly proxy?: Endpoint;
}

/** Who logs in where. */
export interface SshAccess {
  readonly instanceId: number;
  readonly key: Pick<SshKey, "privateKeyFile" | "knownHostsFile">;
  /** Pin the host key on the first login that works; default false = the key must be pinned already. */
  readonly firstUse?: boolean;
}

/** Why a login did not work. */
export type LoginFailure =
  | "refused" // the host is there, nothing listens yet
  | "timeout" // no answer: a broken port or a slow network
  | "closed" // accepted and dropped: the relay or sshd is not ready
  | "denied" // sshd answers, the key is not allowed (yet)
  | "host_key_changed" // not the machine whose key is pinned
  | "failed"; // anything else: see text

export type LoginResult =
  | { readonly ok: true; readonly endpoint: Endpoint; readonly hostKey: string }
  | { readonly ok: false; readonly endpoint: Endpoint; readonly reason: LoginFailure; readonly text: string };

/** An endpoint that answers now. */
export interface LiveEndpoint extends Endpoint {
  /** `type base64`, one line. */
  readonly hostKey: string;
}

export interface LiveOptions {
  /** Give up at this time (`now()` milliseconds); default two minutes from now. */
  readonly deadline?: number;
  readonly now?: () => number;
  readonly sleep?: (milliseconds: number) => Promise<void>;
  readonly signal?: AbortSignal;
  /** Hears of each attempt that failed. */
  readonly onAttempt?: (attempt: LoginResult) => void;
}

/** Both ways to reach sshd, as far as Vast has published them and they are well formed. */
export declare function endpoints(instance: Instance): Endpoints;

/** Proves with system ssh that a login works, or says why not. */
export declare function probe(endpoint: Endpoint, access: SshAccess, signal?: AbortSignal): Promise<LoginResult>;

/**
 * The first endpoint that lets us in, direct and proxy tried beside each other and read again from Vast in between.
 * Throws VastError: `no_such_instance`, `not_running`, or `no_login` with the last word of each endpoint.
 */
export declare function liveEndpoint(
  client: VastClient,
  access: SshAccess,
  options?: LiveOptions,
): Promise<LiveEndpoint>;

/** Adds a host key (`type base64`) under `vast-<instance id>` unless that line is there. */
export declare function pinHostKey(knownHostsFile: string, instanceId: number, hostKey: string): void;

/** An ssh command line for people: can be pasted into a shell, uses their agent and our key. */
export declare function sshCommand(target: {
  readonly host: string;
  readonly port: number;
  readonly instanceId: number;
  readonly key: Pick<SshKey, "privateKeyFile" | "knownHostsFile">;
}): string;
