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
  /** The machine's stack; `vast-<stack>` becomes a second name of the machine. */
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

/** The ssh name of a stack's machine; undefined = it might be mistaken for the name `vast-<instance id>`. */
export function stackAlias(stack: string): string | undefined {
  return /^[\w.-]+$/.test(stack) && !/^\d+$/.test(stack) ? `vast-${stack}` : undefined;
}

/** The line that makes a person's own ssh config include the files of all machines in there. */
export function includeLine(sshDir: string): string {
  const files = join(sshDir, "vast-*.conf");
  return `Include ${/[\s"'#\\]/.test(files) ? `"${files}"` : files}`;
}

/** Writes the file in one step; offers the user's agent too. An earlier machine of the stack loses the stack's name. */
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

/** Removes a machine's file when the machine is gone; with the last file, also the line in the person's config. */
export function removeSshConfig(sshDir: string, instanceId: number, userConfig = userConfigFile()): void {
  rmSync(sshConfigFile(sshDir, instanceId), { force: true });
  if (filesIn(sshDir).length > 0) return;
  try {
    uninstall(includeLine(sshDir), userConfig);
  } catch {
    // An Include line that matches no file does no harm, and must not fail a release.
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
