import type { Machine } from "./checkpoints/machine.ts";
import { isPullError } from "./checkpoints/pull-error.ts";
import { ownSshKey } from "./ssh-key.ts";
import { openStateDir } from "./state-dir.ts";
import { type ApiTarget, openApi } from "./vast/api.ts";
import { VastClient } from "./vast/client.ts";
import { lastWayIn, liveEndpoint, pinHostKey } from "./vast/ssh.ts";

/** A machine as a state knows it. */
export interface KnownMachine extends ApiTarget {
  readonly instanceId: string;
  readonly sshHost: string;
  readonly sshPort: number;
  readonly hostKey: string;
  /** Another time is another life of the machine. */
  readonly startedAt: string;
  readonly sshKeyFile: string;
}

/** The machine has just let somebody in. */
const LOGIN_PATIENCE_MS = 60_000;

/** By the way in that this process used last, or that the state knows. */
export function machineOf({ instanceId: id, sshHost, sshPort, hostKey, sshKeyFile }: KnownMachine): Machine {
  const instanceId = Number(id);
  const key = ownSshKey(openStateDir(), sshKeyFile);
  if (hostKey !== "") pinHostKey(key.knownHostsFile, instanceId, hostKey);
  return { instanceId, key, endpoint: lastWayIn(instanceId) ?? { host: sshHost, port: sshPort } };
}

/** By the way in that is known; where that is old, Vast knows the new one. */
export async function onMachine(known: KnownMachine, action: (machine: Machine) => Promise<unknown>): Promise<void> {
  const machine = machineOf(known);
  try {
    await action(machine);
  } catch (error) {
    if (!isPullError(error, "unreachable")) throw error;
    const client = new VastClient(openApi(known));
    const endpoint = await liveEndpoint(client, machine, { deadline: Date.now() + LOGIN_PATIENCE_MS });
    await action({ ...machine, endpoint });
  }
}
