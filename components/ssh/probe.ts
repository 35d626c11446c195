import { randomInt } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { printable } from "../lib/text.ts";
import { startProgram } from "../programs/program.ts";
import type { Endpoint } from "./endpoint.ts";
import { hostKeyFingerprint, hostKeyOf, pinHostKey, replaceHostKeys } from "./known-hosts.ts";
import { remoteError } from "./remote-error.ts";
import { acceptedFingerprint, shownHostKey } from "./shown-key.ts";
import { type SshKey, sshArgs } from "./ssh-key.ts";

/** Who logs in where. */
export interface SshAccess {
  readonly instanceId: number;
  readonly key: Pick<SshKey, "privateKeyFile" | "knownHostsFile">;
  /** Pin the host key on the first login that works; default false = the key must be pinned already. */
  readonly firstUse?: boolean;
}

/** Why a login did not work. */
export type LoginFailure =
  | "refused" // the host is there, nothing listens yet
  | "timeout" // no answer: a broken port or a slow network
  | "closed" // accepted and dropped: the relay or sshd is not ready
  | "denied" // sshd answers, the key is not allowed (yet)
  | "host_key_changed" // not the machine whose key is pinned
  | "failed"; // anything else: see text

export type LoginResult =
  | { readonly ok: true; readonly endpoint: Endpoint; readonly hostKey: string }
  | {
      readonly ok: false;
      readonly endpoint: Endpoint;
      readonly reason: LoginFailure;
      readonly text: string;
      /** The host key that was shown instead of the pinned one, as far as it could be seen; `type base64`. */
      readonly shown?: string;
    };

/**
 * What each login runs first: it tells the machine's fuse (remote/fuse.sh) that somebody logged in. A machine without a
 * fuse is left as it is.
 */
export const SHOW_IN = "[ ! -e ~/.vast-training-fuse ] || : >~/.vast-training-in";

/** A connection that is open but silent is given up after this. */
const LOGIN_TIMEOUT_MS = 20_000;

/**
 * Proves with system ssh that a login works, or says why not.
 *
 * On first use the host key is trusted, but pinned only once a login worked with it: Vast's relay may answer, and
 * refuse, before the machine is behind it. Later connections, by either way, accept only the pinned keys: the relay may
 * be the first to lead to a machine that was created anew.
 */
export async function probe(endpoint: Endpoint, access: SshAccess, signal?: AbortSignal): Promise<LoginResult> {
  const { instanceId, key } = access;
  if (hostKeyOf(key.knownHostsFile, instanceId, endpoint.via) !== undefined)
    return knownLogin(endpoint, access, signal);
  if (access.firstUse !== true) return failure(endpoint, "failed", "no host key is pinned for this instance");
  return firstLogin(endpoint, access, signal);
}

async function knownLogin(
  endpoint: Endpoint,
  access: SshAccess,
  signal: AbortSignal | undefined,
): Promise<LoginResult> {
  const { knownHostsFile } = access.key;
  const result = await login(endpoint, access, knownHostsFile, false, signal);
  if (!result.ok && result.reason === "host_key_changed") return strangeLogin(endpoint, access, result, signal);
  return result;
}

/** Handles another host key than the pinned one: refused, unless the user accepts exactly this key. */
async function strangeLogin(
  endpoint: Endpoint,
  access: SshAccess,
  result: LoginResult & { readonly ok: false },
  signal: AbortSignal | undefined,
): Promise<LoginResult> {
  const { instanceId, key } = access;
  const shown = await shownHostKey(endpoint, access);
  if (shown === undefined) return result;
  if (hostKeyFingerprint(shown) !== acceptedFingerprint()) return { ...result, shown };
  replaceHostKeys(key.knownHostsFile, instanceId, shown);
  return login(endpoint, access, key.knownHostsFile, false, signal);
}

async function firstLogin(
  endpoint: Endpoint,
  access: SshAccess,
  signal: AbortSignal | undefined,
): Promise<LoginResult> {
  const { instanceId, key } = access;
  const scratch = mkdtempSync(join(tmpdir(), "vast-training-login-"));
  try {
    const seen = join(scratch, "known_hosts");
    const result = await login(endpoint, access, seen, true, signal);
    if (result.ok) pinHostKey(key.knownHostsFile, instanceId, result.hostKey, endpoint.via);
    return result;
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

async function login(
  endpoint: Endpoint,
  { instanceId, key }: SshAccess,
  knownHostsFile: string,
  firstUse: boolean,
  signal: AbortSignal | undefined,
): Promise<LoginResult> {
  const target = { privateKeyFile: key.privateKeyFile, knownHostsFile, port: endpoint.port, instanceId, firstUse };
  // A sum, so that a machine which only echoes its input does not pass for a shell.
  const number = randomInt(1_000_000_000);
  const args = [...sshArgs(target), "-n", "-T", `root@${endpoint.host}`, `${SHOW_IN}; echo "login-$((${number} + 1))"`];
  const said = await hear(["ssh", ...args], `login-${number + 1}`, signal);
  if (!said.proved) return failure(endpoint, reasonOf(said.stderr, said.timedOut), said.stderr);
  const hostKey = hostKeyOf(knownHostsFile, instanceId, endpoint.via);
  return hostKey === undefined ? failure(endpoint, "failed", "ssh noted no host key") : { ok: true, endpoint, hostKey };
}

function failure(endpoint: Endpoint, reason: LoginFailure, text: string): LoginResult {
  return { ok: false, endpoint, reason, text: printable(text) };
}

/** What ssh's own words mean. Exported for its table of tests. */
export function reasonOf(stderr: string, timedOut = false): LoginFailure {
  if (timedOut || /timed out|no route to host|network is unreachable/i.test(stderr)) return "timeout";
  if (/host key verification failed|identification has changed/i.test(stderr)) return "host_key_changed";
  if (/permission denied|too many authentication failures/i.test(stderr)) return "denied";
  if (/connection refused/i.test(stderr)) return "refused";
  if (/connection (closed|reset)|closed by remote host|kex_exchange_identification|broken pipe/i.test(stderr))
    return "closed";
  return "failed";
}

interface Said {
  readonly proved: boolean;
  readonly timedOut: boolean;
  readonly stderr: string;
}

const MOST_OUTPUT = 64 * 1024;

/** Runs ssh until it prints the proof, ends, or takes too long. Leaves no ssh running. */
async function hear(words: readonly string[], proof: string, signal: AbortSignal | undefined): Promise<Said> {
  const ssh = startProgram(words, {
    env: { ...process.env, LC_ALL: "C" },
    timeoutMs: LOGIN_TIMEOUT_MS,
    mostOutput: MOST_OUTPUT,
    signal,
    onLine: (line) => line.includes(proof) && ssh.end(),
  });
  const { stdout, stderr, cut, unstarted } = await ssh.ended;
  if (unstarted !== undefined)
    throw remoteError("no_ssh", `ssh cannot be run (${unstarted.message}); install the OpenSSH client`);
  return { proved: stdout.includes(proof), timedOut: cut === "timeout", stderr };
}
