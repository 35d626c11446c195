import { appendFileSync, readFileSync } from "node:fs";
import { hostKeyAlias } from "../ssh-key.ts";
import { vastError } from "./errors.ts";

/** The host keys (`type base64`) pinned for an instance, oldest first. */
export function pinnedHostKeys(knownHostsFile: string, instanceId: number): string[] {
  const alias = hostKeyAlias(instanceId);
  return textOf(knownHostsFile)
    .split("\n")
    .map((line) => line.split(" "))
    .filter(([name]) => name === alias)
    .map(([, type, key]) => `${type} ${key}`);
}

/** Adds a host key (`type base64`) under `vast-<instance id>` unless that line is there. */
export function pinHostKey(knownHostsFile: string, instanceId: number, hostKey: string): void {
  if (!/^[a-z0-9@.-]+ [A-Za-z0-9+/]+={0,2}$/.test(hostKey)) {
    throw vastError("invalid", `the host key of instance ${instanceId} is not a key: ${JSON.stringify(hostKey)}`);
  }
  if (pinnedHostKeys(knownHostsFile, instanceId).includes(hostKey)) return;
  appendFileSync(knownHostsFile, `${hostKeyAlias(instanceId)} ${hostKey}\n`, { mode: 0o600 });
}

function textOf(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return "";
    throw error;
  }
}
