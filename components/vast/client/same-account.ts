import type { VastClient } from "./client.ts";
import { isVastError, type VastError, vastError } from "./errors.ts";

/** Who rented something, as states and intents note it. "" = not known. */
export interface Renter {
  /** Id of the account. */
  readonly accountId: string;
  /** `VastClient.keyFingerprint` of the key that rented it, or has seen it since. */
  readonly keyFingerprint: string;
}

/** What a key cannot see. */
export interface Unseen {
  /** At the beginning of a sentence. */
  readonly what: string;
  /** Names it in VAST_ACCOUNT_IS_SAME: the id of the instance, or the label where none is known. */
  readonly name: number | string;
}

type Asking = Pick<VastClient, "account" | "keyFingerprint">;

/** Id of the account that the key opens; "" = Vast does not say, or not to this key. Throws only when the key is refused. */
export async function accountIdOf(client: Pick<VastClient, "account">): Promise<string> {
  const account = await client.account().catch((error) => {
    if (isVastError(error, "auth", "no_key")) throw error;
    return undefined;
  });
  return account?.id ?? "";
}

/**
 * An instance that a key cannot see is gone only when that key is of the account that rented it: to any other key Vast
 * says that a living instance does not exist. The same key is the same account, and so is any key of the noted account.
 * Throws, with every way out, when the key is another account's, or when that is not known.
 *
 * @param renter what was noted at the rental; a missing field is not known
 * @param env VAST_ACCOUNT_IS_SAME: the user says that it is, for exactly this name
 */
export async function ensureSameAccount(
  client: Asking,
  { what, name }: Unseen,
  { accountId = "", keyFingerprint = "" }: Partial<Renter>,
  env: NodeJS.ProcessEnv = process.env,
): Promise<void> {
  if (isKeyOf(client, keyFingerprint)) return;
  const doubt = accountId === "" ? unnoted(keyFingerprint) : await doubtAbout(client, what, accountId);
  if (doubt === undefined || env.VAST_ACCOUNT_IS_SAME === String(name)) return;
  const { kind = "forbidden", why, way } = doubt;
  const override = `when you know that the key is of the account that rented it, put VAST_ACCOUNT_IS_SAME=${name} before the command`;
  const ways = way === undefined ? override : `${way}, or ${override}`;
  throw vastError(kind, `${what} cannot be seen, and may still be there: ${why}`, { remedy: ways });
}

/** The nonce stands before the colon. */
function isKeyOf(client: Asking, fingerprint: string): boolean {
  return fingerprint !== "" && client.keyFingerprint(fingerprint.split(":")[0] ?? "") === fingerprint;
}

/** Why the account is not known, and how it could be. */
interface Doubt {
  readonly kind?: VastError["kind"];
  readonly why: string;
  readonly way?: string;
}

function unnoted(keyFingerprint: string): Doubt {
  if (keyFingerprint === "") return { why: "which account rented it was not noted" };
  return { why: "it was rented with another key, of an account that was not noted", way: "use the key that rented it" };
}

/** undefined = it is that account's key. Throws when it is certainly another's: then no override helps. */
async function doubtAbout(client: Asking, what: string, accountId: string): Promise<Doubt | undefined> {
  const now = await client.account().catch((error: unknown) => {
    if (isVastError(error)) return error;
    throw error;
  });
  if (!isVastError(now) && now.id === accountId) return undefined;
  if (!isVastError(now) && now.id !== null) {
    throw vastError(
      "forbidden",
      `${what} was rented by account ${accountId}, and the key is account ${now.id}'s, which cannot see it: ` +
        "set VAST_API_KEY or apiKeyFile to a key of the account that rented it",
    );
  }
  const why = `it was rented by account ${accountId}, and the account of the key is not known`;
  const way = `use a key of that account that may read the user (user_read)`;
  return isVastError(now) ? { kind: now.kind, why: `${why} (${now.message})`, way } : { why, way };
}
