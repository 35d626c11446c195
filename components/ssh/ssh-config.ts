import { rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { writeWhole } from "../lib/draft.ts";
import { isHost } from "./endpoint.ts";
import { remoteError } from "./remote-error.ts";
import { configWord, hostKeyAlias, type SshKey, shellLine, sshOptions } from "./ssh-key.ts";

/** What a user's ssh needs to reach a machine. */
export interface SshPlace {
  readonly host: string;
  readonly port: number;
  readonly instanceId: number;
  readonly key: Pick<SshKey, "privateKeyFile" | "knownHostsFile">;
}

type SshName = Pick<SshPlace, "instanceId" | "key">;

/** Path of an ssh config file for one machine, beside our key: it keeps the commands that people paste short. */
export function sshConfigFile(sshDir: string, instanceId: number): string {
  return join(sshDir, `${hostKeyAlias(instanceId)}.conf`);
}

function fileOf({ instanceId, key }: SshName): string {
  return sshConfigFile(dirname(key.knownHostsFile), instanceId);
}

/** Writes the file in one step. It also offers the keys of the user's agent. */
export function writeSshConfig({ host, port, instanceId, key }: SshPlace): void {
  if (!isHost(host)) throw remoteError("invalid", `${JSON.stringify(host)} is not the name or address of a host`);
  const file = fileOf({ instanceId, key });
  const options = sshOptions({ ...key, port, instanceId, agent: true, batch: false });
  const lines = [`HostName=${host}`, `Port=${port}`, "User=root", `IdentityFile=${configWord(key.privateKeyFile)}`];
  const text = [`Host ${hostKeyAlias(instanceId)}`, ...[...lines, ...options].map((line) => `  ${line}`), ""].join(
    "\n",
  );
  writeWhole(file, text);
}

/** Removes the file of a machine that is gone. */
export function removeSshConfig(sshDir: string, instanceId: number): void {
  rmSync(sshConfigFile(sshDir, instanceId), { force: true });
}

/** The words that come before the host: `ssh -F FILE`. */
export function sshWith(name: SshName): string[] {
  return ["ssh", "-F", fileOf(name)];
}

/** An ssh command line to paste into a shell. */
export function sshCommand(name: SshName): string {
  return shellLine([...sshWith(name), hostKeyAlias(name.instanceId)]);
}
