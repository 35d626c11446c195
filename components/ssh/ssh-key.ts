import { chmodSync, existsSync, linkSync, readFileSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { type DiskError, onDisk } from "../lib/disk.ts";
import { draftOf, writeWhole } from "../lib/draft.ts";
import { absolute } from "../lib/path.ts";
import { ProblemError } from "../lib/problem.ts";
import { learnSecrets } from "../lib/secrets.ts";
import type { StateDir } from "../lib/state-dir.ts";
import { runProgramNow } from "../programs/program.ts";

/** A key pair that opens rented machines, and where the host keys of those machines are pinned. */
export interface SshKey {
  /** Path of the unencrypted private key. */
  readonly privateKeyFile: string;
  /** `type base64 comment`, one line. */
  readonly publicKey: string;
  /** Host keys by alias `vast-<instance id>`, so that both endpoints of a machine share one. */
  readonly knownHostsFile: string;
}

/** What one ssh connection needs to know. */
export interface SshTarget {
  readonly privateKeyFile: string;
  readonly knownHostsFile: string;
  readonly port: number;
  readonly instanceId: number;
  /** Accept and note a host key that was never seen; default false = only a pinned one. */
  readonly firstUse?: boolean;
  /** Also offer the keys of the user's agent; default false, so that a dead agent cannot hurt. */
  readonly agent?: boolean;
  /** Fail instead of asking; default true. */
  readonly batch?: boolean;
  /** Socket of a connection that is shared; default none. Where nothing answers there, ssh logs in by itself. */
  readonly line?: string | undefined;
  /** Ciphers to offer, the favourite first, with commas between them; default ssh's own. */
  readonly ciphers?: string | undefined;
}

/**
 * The key of the stack config (`sshKey`, a path), or with "" the state directory's own, made on first use.
 * Throws ProblemError when the file is missing, encrypted, public or readable by others.
 */
export function ownSshKey(dir: StateDir, configured: string): SshKey {
  const privateKeyFile = configured === "" ? stateDirKey(dir) : absolute(configured);
  if (!existsSync(privateKeyFile)) throw unusable(`${privateKeyFile} does not exist`);
  const publicKey = publicKeyOf(privateKeyFile);
  learnSecrets([readFileSync(privateKeyFile, "utf8").replace(/^-.*$/gm, "")]);
  return {
    privateKeyFile,
    publicKey,
    knownHostsFile: knownHostsFile(dir),
  };
}

/** Where host keys of rented machines are pinned. */
export function knownHostsFile(dir: Pick<StateDir, "sshDir">): string {
  return join(dir.sshDir, "known_hosts");
}

function unusable(found: string): ProblemError {
  const write = 'name an unencrypted private key, or leave it "" for a key of our own';
  return new ProblemError([{ key: "sshKey", found, write }]);
}

function stateDirKey(dir: StateDir): string {
  const file = join(dir.sshDir, "id_ed25519");
  if (!existsSync(file)) makeKeyOnce(file);
  if ((statSync(file).mode & 0o777) !== 0o600) chmodSync(file, 0o600);
  if (!existsSync(`${file}.pub`)) writeWhole(`${file}.pub`, `${publicKeyOf(file)}\n`);
  return file;
}

/** Safe for several processes at once: each makes a key, and the first to link its own wins. */
function makeKeyOnce(file: string): void {
  const draft = draftOf(file);
  try {
    const made = keygen(["-q", "-t", "ed25519", "-N", "", "-C", "vast-training", "-f", draft]);
    if (made.code !== 0) throw new Error(`ssh-keygen could not make ${file}: ${made.stderr.trim()}`);
    onDisk(file, () => linkSync(draft, file));
  } catch (error) {
    if ((error as DiskError).code !== "EEXIST") throw error;
  } finally {
    rmSync(draft, { force: true });
    rmSync(`${draft}.pub`, { force: true });
  }
}

function publicKeyOf(file: string): string {
  const { code, stdout, stderr } = keygen(["-y", "-P", "", "-f", file]);
  const line = stdout.trim();
  if (code === 0 && /^\S+ [A-Za-z0-9+/]+=*( .*)?$/.test(line)) return line;
  throw unusable(`${file} ${whyUnusable(stderr)}`);
}

function whyUnusable(stderr: string): string {
  if (/incorrect passphrase/i.test(stderr)) return "is encrypted, and nobody is there to type its passphrase";
  if (/too open|unprotected/i.test(stderr)) return "can be read by other users (chmod 600 it)";
  if (/permission denied/i.test(stderr)) return "cannot be read";
  return "is not a private key";
}

function keygen(args: string[]) {
  const result = runProgramNow(["ssh-keygen", ...args]);
  const { unstarted } = result;
  if (unstarted) throw new Error(`ssh-keygen cannot be run (${unstarted.message}); install the OpenSSH client`);
  return result;
}

/**
 * The options of every system ssh call, as NAME=value; they are set nowhere else. The user's ssh config is never read:
 * a login node's ProxyCommand or multiplexing must not affect a rented machine.
 */
export function sshOptions(target: SshTarget): string[] {
  return [
    "ProxyCommand=none",
    `ControlPath=${target.line === undefined ? "none" : configWord(target.line)}`,
    ...(target.agent ? [] : ["IdentityAgent=none", "IdentitiesOnly=yes"]),
    "PreferredAuthentications=publickey",
    "ForwardAgent=no",
    `UserKnownHostsFile=${configWord(target.knownHostsFile)}`,
    "GlobalKnownHostsFile=/dev/null",
    `HostKeyAlias=${hostKeyAlias(target.instanceId)}`,
    `StrictHostKeyChecking=${target.firstUse ? "accept-new" : "yes"}`,
    "UpdateHostKeys=no",
    "HashKnownHosts=no",
    ...(target.ciphers === undefined ? [] : [`Ciphers=${target.ciphers}`]),
    `BatchMode=${(target.batch ?? true) ? "yes" : "no"}`,
    "ConnectTimeout=10",
    "ServerAliveInterval=15",
    "LogLevel=ERROR",
  ];
}

/** The words of an ssh call after `ssh`, without `root@host` and command. */
export function sshArgs(target: SshTarget): string[] {
  return [
    "-F",
    "none",
    ...sshOptions(target).flatMap((option) => ["-o", option]),
    "-i",
    target.privateKeyFile.replaceAll("%", "%%"),
    "-p",
    String(target.port),
  ];
}

/** The name under which a machine's host key is pinned: endpoints change and ports are reused, the id is not. */
export function hostKeyAlias(instanceId: number): string {
  return `vast-${instanceId}`;
}

/** A path as one word of ssh's config grammar, which splits at blanks and expands %. */
export function configWord(path: string): string {
  const escaped = path.replaceAll("%", "%%").replaceAll("\\", "\\\\").replaceAll('"', '\\"');
  return /[\s"'#\\]/.test(path) ? `"${escaped}"` : escaped;
}

/** Words as one line for a POSIX shell; also understood by `rsync -e`. */
export function shellLine(words: readonly string[]): string {
  return words.map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`)).join(" ");
}
