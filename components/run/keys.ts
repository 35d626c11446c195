import type { RunConfig } from "../config/config.ts";
import { attempt, type Check, passed } from "../lib/problem.ts";
import type { StateDir } from "../lib/state-dir.ts";
import { runProgram } from "../programs/program.ts";
import { ownSshKey } from "../ssh/ssh-key.ts";

/** The key of our connections, and who else may log in. */
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

/** Long enough for a forwarded agent, short enough to go unnoticed when it is dead. */
const PATIENCE_MS = 2000;

/**
 * Public keys of the user's ssh agent that may log in beside our own: `all`, `none`, or those with this comment.
 * No agent, a dead one or an empty one gives none.
 */
export async function agentKeys(
  wanted: string,
  env: NodeJS.ProcessEnv = process.env,
  patienceMs = PATIENCE_MS,
): Promise<string[]> {
  if (wanted === "none" || !env.SSH_AUTH_SOCK) return [];
  const keys = publicKeysIn(await listed(env, patienceMs));
  return wanted === "all" ? keys : keys.filter((key) => commentOf(key) === wanted);
}

async function listed(env: NodeJS.ProcessEnv, timeoutMs: number): Promise<string> {
  const { code, stdout } = await runProgram(["ssh-add", "-L"], { env, timeoutMs });
  return code === 0 ? stdout.toString("utf8") : "";
}

/** Lines of the form "type base64 comment"; anything else an agent may say is left out. */
export function publicKeysIn(text: string): string[] {
  return text
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => /^[\w@.-]+ AAAA[A-Za-z0-9+/]*=*( [^\p{Cc}]*)?$/u.test(line) && !line.includes("-cert-"))
    .sort();
}

function commentOf(key: string): string {
  return key.split(" ").slice(2).join(" ");
}
