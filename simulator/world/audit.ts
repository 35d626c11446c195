/** A call that changed something, and the key that it was made with. */
export interface AuditEntry {
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly keyId: number;
  readonly address: string;
  /** METHOD and path. */
  readonly route: string;
  readonly args: unknown;
}

/** Number of the account's key. An instance's own key has the instance's id as its number. */
export const ACCOUNTS_KEY = 1;
/** Number of the key with which Vast calls for a scheduled job. */
export const VASTS_OWN_KEY = 0;
