import { createHmac, randomBytes } from "node:crypto";
import { join } from "node:path";
import { readOrMake } from "../lib/draft.ts";
import type { StateDir } from "../lib/state-dir.ts";

/** What stands for secrets in the state, by name: it changes with them, and tells nothing without our key. */
export type Fingerprints = Readonly<Record<string, string>>;

/**
 * The same for the same values, on this machine: HMAC-SHA256 with a random key of the state directory. Names go in too, so
 * that two names with one value do not look alike.
 */
export function fingerprintsOf(dir: Pick<StateDir, "path">, values: Readonly<Record<string, string>>): Fingerprints {
  const key = readOrMake(join(dir.path, "fingerprint-key"), () => `${randomBytes(32).toString("hex")}\n`).trim();
  const fingerprint = (name: string, value: string) =>
    createHmac("sha256", key).update(`${name}\n${value}`).digest("hex").slice(0, 16);
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, fingerprint(name, value)]));
}
