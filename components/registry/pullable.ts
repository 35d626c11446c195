import { clauseOf, isRegistryError } from "./errors.ts";
import { findDigest } from "./registry.ts";
import type { RegistryOptions } from "./session.ts";

/** Certain refusals; any other error may pass, or not affect the machine. */
const CERTAIN = ["not_found", "denied", "bad_login"] as const;

/** Why a machine with this login could not pull an image by its digest; undefined = it could, or nobody can tell now. */
export async function whyNotPullable(pinned: string, options: RegistryOptions): Promise<string | undefined> {
  try {
    const digest = await findDigest(pinned, options);
    return digest === undefined ? `${pinned} is not in its registry any more` : undefined;
  } catch (error) {
    if (!isRegistryError(error)) throw error;
    return isRegistryError(error, ...CERTAIN) ? clauseOf(error) : undefined;
  }
}
