import type { VastClient } from "./client.ts";
import { isVastError, vastError } from "./errors.ts";

/** Id of the account that the key opens; "" = Vast does not say, or not to this key. Throws only when the key is refused. */
export async function accountIdOf(client: Pick<VastClient, "account">): Promise<string> {
  const account = await client.account().catch((error) => {
    if (isVastError(error, "auth", "no_key")) throw error;
    return undefined;
  });
  return String(account?.id ?? "");
}

/**
 * What a key cannot see is gone only when it is a key of the account that rented it: to any other, Vast says of a living
 * instance that there is none. Throws when it is another's, or when that cannot be told now.
 *
 * @param what that is, at the beginning of a sentence
 * @param accountId of the account that rented it; "" = not known, and then nothing is said against it
 */
export async function ensureSameAccount(
  client: Pick<VastClient, "account">,
  what: string,
  accountId: string | undefined,
): Promise<void> {
  if (!accountId) return;
  const now = await client.account().catch((error) => {
    if (isVastError(error, "forbidden")) return undefined;
    throw error;
  });
  if (!now?.id || String(now.id) === accountId) return;
  throw vastError(
    "forbidden",
    `${what} was rented by account ${accountId}, and the key is account ${now.id}'s, which cannot see it: ` +
      "set VAST_API_KEY or apiKeyFile to a key of the account that rented it",
  );
}
