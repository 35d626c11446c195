import type { Api } from "./api.ts";
import type { Account, Instance, Offer } from "./wire.ts";

/** Body of an offer search: filters `{field: {op: value}}` and directives (type, order, limit, allocated_storage). */
export type OfferQuery = Readonly<Record<string, unknown>>;

/** What to rent an offer with. */
export interface RentOrder {
  readonly image: string;
  readonly label: string;
  readonly diskGb: number;
  /** $/h for the whole slice; null rents on-demand. */
  readonly bidPerHour: number | null;
  /** Environment of the container's first process; keys that begin with "-" are docker flags. No secrets. */
  readonly env: Readonly<Record<string, string>>;
  /** Shell text run at each start of the container, under 4000 characters. No secrets. */
  readonly onstart: string;
}

export interface AccountKey {
  readonly id: number;
  readonly publicKey: string;
}

/** Filters of the instance list, on stored columns only: `{label: {eq: "x"}}`. */
export type InstanceFilter = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

/** Waiting as an argument: tests pass their own. */
export interface ClientOptions {
  readonly now?: () => number;
  readonly sleep?: (milliseconds: number) => Promise<void>;
}

/** Vast's API, one method a call. Every method throws VastError only. */
export declare class VastClient {
  constructor(api: Api, options?: ClientOptions);
  /** Who the key belongs to, and the credit. */
  account(): Promise<Account>;
  /** Every GPU name the market knows, in Vast's spelling. */
  gpuNames(): Promise<string[]>;
  /** One page of offers (Vast answers with 64 at most). */
  searchOffers(query: OfferQuery): Promise<Offer[]>;
  /**
   * Rents, and answers with the instance id. Sent once: only a 429 (not carried out) is repeated. `ambiguous` = it may
   * have happened; an error with `newContract` = it did. An aborted `signal` lets nothing more leave.
   */
  rent(offerId: number, order: RentOrder, signal?: AbortSignal): Promise<number>;
  /** One instance; undefined = Vast knows no such instance. Right after a rental that only means "not yet visible". */
  instance(id: number): Promise<Instance | undefined>;
  /** All instances that match, to the last page, or `incomplete`. */
  instances(filter?: InstanceFilter): Promise<Instance[]>;
  /** Starts or stops. `refused` with code resources_unavailable = a start that Vast queued. */
  setState(id: number, state: "running" | "stopped"): Promise<void>;
  setLabel(id: number, label: string): Promise<void>;
  /** $/h for the whole slice. */
  changeBid(id: number, bidPerHour: number): Promise<void>;
  reboot(id: number): Promise<void>;
  /** Allows a public key on one instance. */
  attachKey(id: number, publicKey: string): Promise<void>;
  accountKeys(): Promise<AccountKey[]>;
  /** Adds a public key to the account unless it is there; new instances get all of them. */
  registerKey(publicKey: string): Promise<void>;
  /** The last lines of the container's log, or with `daemon` of the host's (pull and create errors). */
  logs(id: number, options?: { readonly tail?: number; readonly daemon?: boolean }): Promise<string>;
  /** Ends an instance. Already gone is success. Vast may take seconds after that: poll `instance` until undefined. */
  destroy(id: number): Promise<void>;
}
