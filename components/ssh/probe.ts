import { randomInt } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { printable } from "../lib/text.ts";
import { startProgram } from "../programs/program.ts";
import type { Endpoint } from "./endpoint.ts";
import { hostKeyFingerprint, hostKeyOf, pinHostKey, replaceHostKeys } from "./known-hosts.ts";
import { dropLine, dropLinesOf, isSharingRefused, keepLine, type LineEnd, lineTo, newSocket } from "./line.ts";
import { fastCiphers } from "./own-programs.ts";
import { remoteError } from "./remote-error.ts";
import { acceptedFingerprint, shownHostKey } from "./shown-key.ts";
import { type SshKey, type SshTarget, sshArgs } from "./ssh-key.ts";

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
/** A line that is open answers within a round trip; one that does not may be dead, and a login tells. */
const LINE_TIMEOUT_MS = 5_000;

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
  dropLinesOf(instanceId);
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
  const end = { instanceId, endpoint, key };
  const said = (await overLine(end, signal)) ?? (await openLine(end, target, signal));
  if (!said.proved) return failure(endpoint, reasonOf(said.stderr, said.timedOut), said.stderr);
  const hostKey = hostKeyOf(knownHostsFile, instanceId, endpoint.via);
  return hostKey === undefined ? failure(endpoint, "failed", "ssh noted no host key") : { ok: true, endpoint, hostKey };
}

/** The proof over a line that is open; undefined = there is none, or it does not answer and is used no more. */
async function overLine(end: LineEnd, signal: AbortSignal | undefined): Promise<Said | undefined> {
  const line = lineTo(end);
  if (line === undefined) return undefined;
  const { key, instanceId, endpoint } = end;
  const words = ["ssh", ...sshArgs({ ...key, instanceId, port: endpoint.port, line }), "-n", "-T"];
  const { said } = await hear([...words, `root@${endpoint.host}`], {
    signal,
    timeoutMs: LINE_TIMEOUT_MS,
    graceMs: 500,
  });
  if (said.proved) return said;
  dropLine(end);
  return undefined;
}

/** Asked for once: every connection of this process offers the same. */
let ciphers: Promise<string | undefined> | undefined;

/** Logs in, and keeps the connection for what comes next. */
async function openLine(end: LineEnd, target: SshTarget, signal: AbortSignal | undefined): Promise<Said> {
  const line = newSocket(end);
  ciphers ??= fastCiphers(process.env);
  const words = ["ssh", ...sshArgs({ ...target, line, ciphers: await ciphers }), "-T"];
  const options = { signal, timeoutMs: LOGIN_TIMEOUT_MS };
  if (line === undefined) return (await hear([...words, "-n", `root@${end.endpoint.host}`], options)).said;
  const master = [...words, "-M", `root@${end.endpoint.host}`];
  const { said, ssh } = await hear(master, { ...options, staysOpen: true });
  if (said.proved) keepLine(end, line, ssh);
  return !said.proved && isSharingRefused(said.stderr) ? openLine(end, target, signal) : said;
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

interface Hearing {
  readonly signal: AbortSignal | undefined;
  readonly timeoutMs: number;
  readonly graceMs?: number;
  /** Leave ssh running once the proof is there; it ends when its standard input does. Default false. */
  readonly staysOpen?: boolean;
}

/** Runs ssh until it prints the proof, ends, or takes too long. */
async function hear(words: readonly string[], { staysOpen = false, ...limits }: Hearing) {
  // A sum, so that a machine which only echoes its input does not pass for a shell.
  const number = randomInt(1_000_000_000);
  const proof = `login-${number + 1}`;
  const rest = staysOpen ? "; exec cat >/dev/null" : "";
  const heard = Promise.withResolvers<void>();
  const ssh = startProgram([...words, `${SHOW_IN}; echo "login-$((${number} + 1))"${rest}`], {
    env: { ...process.env, LC_ALL: "C" },
    ...limits,
    mostOutput: MOST_OUTPUT,
    talks: staysOpen,
    onLine: (line) => line.includes(proof) && heard.resolve(),
  });
  const isHeard = await Promise.race([heard.promise.then(() => true), ssh.ended.then(() => false)]);
  if (isHeard && staysOpen) return { ssh, said: { proved: true, timedOut: false, stderr: "" } };
  if (isHeard) ssh.end();
  const { stdout, stderr, cut, unstarted } = await ssh.ended;
  if (unstarted !== undefined)
    throw remoteError("no_ssh", `ssh cannot be run (${unstarted.message}); install the OpenSSH client`);
  return { ssh, said: { proved: stdout.includes(proof), timedOut: cut === "timeout", stderr } };
}
