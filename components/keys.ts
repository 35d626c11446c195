import { agentKeys } from "./agent-keys.ts";
import type { RunConfig } from "./config.ts";
import { attempt, type Check, passed } from "./lib/problem.ts";
import type { StateDir } from "./lib/state-dir.ts";
import { ownSshKey } from "./ssh/ssh-key.ts";

/** What our connections log in with, and who else may. */
export interface Keys {
  readonly privateKeyFile: string;
  readonly knownHostsFile: string;
  /** Our own first. */
  readonly publicKeys: readonly string[];
}

/** The key file of the config, or our own, and the public keys of the user's agent. */
export async function checkKeys(
  dir: StateDir | undefined,
  config: Partial<RunConfig>,
  env: NodeJS.ProcessEnv,
): Promise<Check<Keys>> {
  const { sshKey, agentKeys: wanted = "none" } = config;
  if (dir === undefined || sshKey === undefined) return { problems: [] };
  const own = attempt("sshKey", () => ownSshKey(dir, sshKey));
  if (own.value === undefined) return { problems: own.problems };
  const { privateKeyFile, knownHostsFile, publicKey } = own.value;
  const publicKeys = [publicKey, ...(await agentKeys(wanted, env))];
  return passed({ privateKeyFile, knownHostsFile, publicKeys });
}
