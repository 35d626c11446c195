import { readdirSync, readFileSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { writeWhole } from "../lib/draft.ts";
import { isHost } from "./endpoint.ts";
import { remoteError } from "./remote-error.ts";
import { configWord, hostKeyAlias, type SshKey, shellLine, sshOptions } from "./ssh-key.ts";
import { uninstall, userConfigFile } from "./user-config.ts";

/** What a user's ssh needs to reach a machine. */
export interface SshPlace {
  readonly host: string;
  readonly port: number;
  readonly instanceId: number;
  readonly key: Pick<SshKey, "privateKeyFile" | "knownHostsFile">;
  /** Whose machine it is: `vast-<stack>` is a name of it too. */
  readonly stack?: string | undefined;
}

type SshName = Pick<SshPlace, "instanceId" | "key">;

/** Path of an ssh config file for one machine, beside our key: it keeps the commands that people paste short. */
export function sshConfigFile(sshDir: string, instanceId: number): string {
  return join(sshDir, `${hostKeyAlias(instanceId)}.conf`);
}

function fileOf({ instanceId, key }: SshName): string {
  return sshConfigFile(dirname(key.knownHostsFile), instanceId);
}

/** The name of a stack's machine for ssh; undefined = a machine's own could be taken for it. */
export function stackAlias(stack: string): string | undefined {
  return /^[\w.-]+$/.test(stack) && !/^\d+$/.test(stack) ? `vast-${stack}` : undefined;
}

/** The line of a person's own ssh config with which it knows all machines that have a file in there. */
export function includeLine(sshDir: string): string {
  const files = join(sshDir, "vast-*.conf");
  return `Include ${/[\s"'#\\]/.test(files) ? `"${files}"` : files}`;
}

/** Writes the file, in one step; the user's agent is offered too. A stack has one machine: an earlier one gives its name up. */
export function writeSshConfig({ host, port, instanceId, key, stack }: SshPlace): void {
  if (!isHost(host)) throw remoteError("invalid", `${JSON.stringify(host)} is not the name or address of a host`);
  const file = fileOf({ instanceId, key });
  const options = sshOptions({ ...key, port, instanceId, agent: true, batch: false });
  const lines = [`HostName=${host}`, `Port=${port}`, "User=root", `IdentityFile=${configWord(key.privateKeyFile)}`];
  const alias = stack === undefined ? undefined : stackAlias(stack);
  if (alias !== undefined) removeOthers(dirname(key.knownHostsFile), alias, file);
  const names = [hostKeyAlias(instanceId), ...(alias === undefined ? [] : [alias])];
  const text = [`Host ${names.join(" ")}`, ...[...lines, ...options].map((line) => `  ${line}`), ""].join("\n");
  writeWhole(file, text);
}

function removeOthers(sshDir: string, alias: string, own: string): void {
  for (const file of filesIn(sshDir).filter((one) => one !== own)) {
    const [first = ""] = readFileSync(file, "utf8").split("\n");
    if (first.split(" ").includes(alias)) rmSync(file, { force: true });
  }
}

function filesIn(sshDir: string): string[] {
  const names = readdirSync(sshDir).filter((name) => /^vast-\d+\.conf$/.test(name));
  return names.map((name) => join(sshDir, name));
}

/** Takes it away when the machine is gone, and the line of the person's config with the last one. */
export function removeSshConfig(sshDir: string, instanceId: number, userConfig = userConfigFile()): void {
  rmSync(sshConfigFile(sshDir, instanceId), { force: true });
  if (filesIn(sshDir).length > 0) return;
  try {
    uninstall(includeLine(sshDir), userConfig);
  } catch {
    // A line that names no file does no harm, and what was released is released.
  }
}

/** The words that come before the host: `ssh -F FILE`. */
export function sshWith(name: SshName): string[] {
  return ["ssh", "-F", fileOf(name)];
}

/** An ssh command line to paste into a shell. */
export function sshCommand(name: SshName): string {
  return shellLine([...sshWith(name), hostKeyAlias(name.instanceId)]);
}
