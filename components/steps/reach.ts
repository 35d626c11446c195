import { keyFor } from "../ssh/known-hosts.ts";
import { isRemoteError } from "../ssh/remote-error.ts";
import { type Login, stepLimitOf } from "../ssh/run-script.ts";
import { type ApiTarget, openApi } from "../vast/client/api.ts";
import { VastClient } from "../vast/client/client.ts";
import { lastWayIn, liveEndpoint } from "../vast/ready/live-endpoint.ts";

/** A machine as a state knows it. */
export interface KnownMachine extends ApiTarget {
  readonly instanceId: string;
  readonly sshHost: string;
  readonly sshPort: number;
  readonly hostKey: string;
  /** A new time means that the machine was started again. */
  readonly startedAt: string;
  readonly sshKeyFile: string;
  /** Older states lack it. */
  readonly stepMaxMinutes?: number;
}

/** Short: a login has just worked. */
const LOGIN_PATIENCE_MS = 60_000;

/** The machine at this process's last endpoint, or at the state's. */
export function machineOf(known: KnownMachine): Login {
  const { sshHost, sshPort, stepMaxMinutes } = known;
  const instanceId = Number(known.instanceId);
  return {
    instanceId,
    key: keyFor({ ...known, instanceId }),
    endpoint: lastWayIn(instanceId) ?? { host: sshHost, port: sshPort },
    ...stepLimitOf(stepMaxMinutes),
  };
}

/** Runs an action at the known endpoint; if that is old, at the one that Vast names. */
export async function onMachine(known: KnownMachine, action: (machine: Login) => Promise<unknown>): Promise<void> {
  const machine = machineOf(known);
  try {
    await action(machine);
  } catch (error) {
    if (!isRemoteError(error, "unreachable")) throw error;
    const client = new VastClient(openApi(known));
    const endpoint = await liveEndpoint(client, machine, { deadline: Date.now() + LOGIN_PATIENCE_MS });
    await action({ ...machine, endpoint });
  }
}
