import { isVastError } from "./errors.ts";
import type { Means } from "./means.ts";

/**
 * Registers our own public key with the account. Vast's relay knows the keys that the account had when a machine was
 * rented, and learns of others late or never; the direct port gets its keys from onstart. Best effort: not every API key
 * may do this.
 */
export async function registerOwnKey({ client }: Means, publicKeys: readonly string[]): Promise<void> {
  const [own] = publicKeys;
  if (own === undefined) return;
  try {
    await client.registerKey(own);
  } catch (error) {
    if (!isVastError(error)) throw error;
  }
}
