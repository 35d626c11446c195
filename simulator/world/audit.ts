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

/** Of the account's key; each instance's own key has the number of the instance. */
export const ACCOUNTS_KEY = 1;
/** What Vast itself calls with, for a scheduled job. */
export const VASTS_OWN_KEY = 0;
