import { createHmac, randomBytes } from "node:crypto";
import { join } from "node:path";
import { readOrMake } from "../lib/draft.ts";
import type { StateDir } from "../lib/state-dir.ts";

/** Fingerprints of secrets for the state, by name: one changes with its secret, and reveals nothing without our key. */
export type Fingerprints = Readonly<Record<string, string>>;

/**
 * Equal values give equal fingerprints on this machine: HMAC-SHA256 with a random key of the state directory. The name
 * is hashed too, so two names with the same value get different fingerprints.
 */
export function fingerprintsOf(dir: Pick<StateDir, "path">, values: Readonly<Record<string, string>>): Fingerprints {
  const key = readOrMake(join(dir.path, "fingerprint-key"), () => `${randomBytes(32).toString("hex")}\n`).trim();
  const fingerprint = (name: string, value: string) =>
    createHmac("sha256", key).update(`${name}\n${value}`).digest("hex").slice(0, 16);
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, fingerprint(name, value)]));
}
