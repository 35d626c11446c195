import type { VastClient } from "../client/client.ts";
import { isVastError } from "../client/errors.ts";
import type { Means } from "../ready/means.ts";

/**
 * Registers our own public key with the account. Vast's relay knows the keys that the account had when a machine was
 * rented, and learns of others late or never; the direct port gets its keys from onstart. Best effort: not every API key
 * may do this.
 */
export async function registerOwnKey({ client }: Means, publicKeys: readonly string[]): Promise<void> {
  const [own] = publicKeys;
  if (own === undefined) return;
  const known = underWay.get(client) ?? new Map<string, Promise<void>>();
  underWay.set(client, known);
  const asked = known.get(own) ?? client.registerKey(own).finally(() => known.delete(own));
  known.set(own, asked);
  try {
    await asked;
  } catch (error) {
    if (!isVastError(error)) throw error;
  }
}

/** So that parallel rentals register the key once. */
const underWay = new WeakMap<VastClient, Map<string, Promise<void>>>();
