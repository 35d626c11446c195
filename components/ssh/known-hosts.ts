import { createHash } from "node:crypto";
import { appendFileSync, readFileSync } from "node:fs";
import { writeWhole } from "../lib/draft.ts";
import { openStateDir } from "../lib/state-dir.ts";
import type { Endpoint } from "./endpoint.ts";
import { remoteError } from "./remote-error.ts";
import { hostKeyAlias, ownSshKey, type SshKey } from "./ssh-key.ts";

/** The host keys (`type base64`) pinned for an instance, oldest first. */
export function pinnedHostKeys(knownHostsFile: string, instanceId: number): string[] {
  return linesOf(knownHostsFile, instanceId).map(([, type, key]) => `${type} ${key}`);
}

/** The pinned host key of this way, or the other way's where both show the same. */
export function hostKeyOf(knownHostsFile: string, instanceId: number, via: Endpoint["via"]): string | undefined {
  const lines = linesOf(knownHostsFile, instanceId);
  const [, type, key] = lines.find(([, , , way]) => way === via) ?? lines[0] ?? [];
  return key === undefined ? undefined : `${type} ${key}`;
}

/** "SHA256:…", as ssh shows a host key. */
export function hostKeyFingerprint(hostKey: string): string {
  const [, base64 = ""] = hostKey.split(" ");
  return `SHA256:${createHash("sha256").update(base64, "base64").digest("base64").replace(/=+$/, "")}`;
}

/**
 * Pins this host key in place of all others of the instance, and marks those as revoked: the state may still name one
 * of them.
 */
export function replaceHostKeys(knownHostsFile: string, instanceId: number, hostKey: string): void {
  const alias = hostKeyAlias(instanceId);
  const old = pinnedHostKeys(knownHostsFile, instanceId).filter((key) => key !== hostKey);
  const others = textOf(knownHostsFile)
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith(`${alias} `) && line !== revocation(instanceId, hostKey));
  const lines = [...others, ...old.map((key) => revocation(instanceId, key))];
  writeWhole(knownHostsFile, `${[...new Set(lines)].join("\n")}\n`);
  pinHostKey(knownHostsFile, instanceId, hostKey);
}

/** Has another host key been accepted in place of this one? */
export function isRevoked(knownHostsFile: string, instanceId: number, hostKey: string): boolean {
  return textOf(knownHostsFile).split("\n").includes(revocation(instanceId, hostKey));
}

/** The line by which ssh itself refuses a key. */
function revocation(instanceId: number, hostKey: string): string {
  return `@revoked ${hostKeyAlias(instanceId)} ${hostKey}`;
}

/**
 * Adds a host key (`type base64`) under `vast-<instance id>` unless it is there for this way, or revoked; the way is
 * noted as a comment.
 */
export function pinHostKey(knownHostsFile: string, instanceId: number, hostKey: string, via?: Endpoint["via"]): void {
  if (!/^[a-z0-9@.-]+ [A-Za-z0-9+/]+={0,2}$/.test(hostKey)) {
    throw remoteError("invalid", `the host key of instance ${instanceId} is not a key: ${JSON.stringify(hostKey)}`);
  }
  if (isRevoked(knownHostsFile, instanceId, hostKey)) return;
  const same = linesOf(knownHostsFile, instanceId).filter(([, type, key]) => `${type} ${key}` === hostKey);
  if (same.some(([, , , way]) => via === undefined || way === via)) return;
  const line = [hostKeyAlias(instanceId), hostKey, ...(via === undefined ? [] : [via])].join(" ");
  appendFileSync(knownHostsFile, `${line}\n`, { mode: 0o600 });
}

/** A machine as a state knows it. */
export interface Recorded {
  readonly instanceId: number;
  /** As `ownSshKey` takes it. */
  readonly sshKeyFile: string;
  /** `type base64`; "" = not known. */
  readonly hostKey: string;
}

/** The key that opens a machine whose host key, where the state knows it, is pinned before. Throws as `ownSshKey`. */
export function keyFor({ instanceId, sshKeyFile, hostKey }: Recorded): SshKey {
  const key = ownSshKey(openStateDir(), sshKeyFile);
  if (hostKey !== "") pinHostKey(key.knownHostsFile, instanceId, hostKey);
  return key;
}

/** The words of an instance's lines: alias, type, key, and the way where it is known. */
function linesOf(knownHostsFile: string, instanceId: number): string[][] {
  const alias = hostKeyAlias(instanceId);
  return textOf(knownHostsFile)
    .split("\n")
    .map((line) => line.split(" "))
    .filter(([name]) => name === alias);
}

function textOf(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return "";
    throw error;
  }
}
