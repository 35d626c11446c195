import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { configWord } from "../../components/ssh/ssh-key.ts";

/** How to reach the machine, as remote.Command's `connection` says it. */
export interface Connection {
  host: string;
  port: number;
  user: string;
  /** OpenSSH private key, without a passphrase. */
  privateKey?: string;
  /** "type base64"; if absent, any key is accepted, as in the official plugin. */
  hostKey?: string;
  /** Default: SSH_AUTH_SOCK. A socket that does not answer is an error, even when there is a privateKey. */
  agentSocketPath?: string;
  /** How many failed dials to allow; -1 = any number. */
  dialErrorLimit: number;
  /** Seconds; 0 is no limit. */
  perDialTimeout: number;
}

/** A private folder with the key and the pinned host key, and the ssh options that use them. */
export interface SshFiles {
  readonly folder: string;
  readonly options: readonly string[];
  remove(): void;
}

const alias = "vast-training-command";

/** The caller removes it; a process that ends earlier removes it too. */
export function openSshFiles(connection: Connection): SshFiles {
  const folder = mkdtempSync(join(tmpdir(), "vast-command-"));
  const remove = () => rmSync(folder, { recursive: true, force: true });
  process.once("exit", remove);
  return {
    folder,
    options: [...commonOptions(connection), ...hostKeyOptions(folder, connection), ...keyOptions(folder, connection)],
    remove: () => {
      process.removeListener("exit", remove);
      remove();
    },
  };
}

function commonOptions({ port, user, perDialTimeout }: Connection): string[] {
  const settings = ["ProxyCommand=none", "BatchMode=yes", "LogLevel=ERROR", "ServerAliveInterval=15"];
  if (perDialTimeout > 0) settings.push(`ConnectTimeout=${Math.ceil(perDialTimeout)}`);
  return ["-F", "none", "-T", ...options(settings), "-p", String(Math.trunc(port)), "-l", user];
}

function hostKeyOptions(folder: string, { hostKey }: Connection): string[] {
  if (hostKey === undefined) return options(["StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null"]);
  const [type, key] = hostKey.trim().split(/\s+/);
  if (!type || !key) throw new Error('failed to parse host key: it must read "type base64"');
  writeFileSync(join(folder, "known_hosts"), `${alias} ${type} ${key}\n`, { mode: 0o600 });
  const pinned = ["StrictHostKeyChecking=yes", "UserKnownHostsFile=known_hosts", "GlobalKnownHostsFile=/dev/null"];
  return options([...pinned, `HostKeyAlias=${alias}`, "UpdateHostKeys=no"]);
}

/** As in the official plugin: only the privateKey is offered if there is one, else the agent's keys. */
function keyOptions(folder: string, { privateKey, agentSocketPath }: Connection): string[] {
  if (privateKey === undefined) {
    const socket = agentSocket(agentSocketPath);
    return options([`IdentityAgent=${socket === undefined ? "none" : configWord(socket)}`, "IdentityFile=none"]);
  }
  const file = join(folder, "key");
  writeFileSync(file, privateKey.endsWith("\n") ? privateKey : `${privateKey}\n`, { mode: 0o600 });
  chmodSync(file, 0o600);
  return options(["IdentityAgent=none", "IdentitiesOnly=yes", "IdentityFile=key"]);
}

function options(settings: readonly string[]): string[] {
  return settings.flatMap((setting) => ["-o", setting]);
}

function agentSocket(configured: string | undefined): string | undefined {
  return configured ?? (process.env.SSH_AUTH_SOCK || undefined);
}

/** Rejects when an agent is named and does not answer. */
export async function requireLivingAgent(connection: Connection): Promise<void> {
  const path = agentSocket(connection.agentSocketPath);
  if (path === undefined) return;
  await new Promise<void>((resolve, reject) => {
    const socket = connect(path);
    socket.once("connect", () => resolve(socket.destroy() && undefined));
    socket.once("error", (error: NodeJS.ErrnoException) =>
      reject(new Error(`dial unix ${path}: the ssh agent does not answer (${error.code ?? error.message})`)),
    );
  });
}
