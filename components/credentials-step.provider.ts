import { type Machine, runScript } from "./checkpoints/machine.ts";
import { isPullError } from "./checkpoints/pull-error.ts";
import { type CredentialSearch, findCredentials } from "./credentials.ts";
import { isUnknown, lifecycle } from "./dynamic.ts";
import { type Fingerprints, fingerprintsOf } from "./fingerprint.ts";
import { problemLine } from "./problem.ts";
import { credentialsScript, forgetScript } from "./remote/steps.ts";
import { ownSshKey } from "./ssh-key.ts";
import { openStateDir } from "./state-dir.ts";
import { type ApiTarget, openApi } from "./vast/api.ts";
import { VastClient } from "./vast/client.ts";
import { endWithEngine, progress, say } from "./vast/engine.ts";
import { lastWayIn, liveEndpoint, pinHostKey } from "./vast/ssh.ts";

/** What a later delete needs to know; no value of a credential. */
export interface CredentialsState extends ApiTarget, CredentialSearch {
  readonly instanceId: string;
  readonly sshHost: string;
  readonly sshPort: number;
  readonly hostKey: string;
  /** Another time is another life of the machine. */
  readonly startedAt: string;
  readonly sshKeyFile: string;
  readonly fingerprints: Fingerprints;
  readonly publicKeys: readonly string[];
  /** The row on which progress is shown. */
  readonly __urn: string;
}

/** The machine has just let somebody in. */
const LOGIN_PATIENCE_MS = 60_000;
/** A release must not wait for a machine that does not answer. */
const FORGET_PATIENCE_MS = 4_000;

/** The lifecycle behind Credentials. */
export const provider = lifecycle({
  check: async (_olds: object, news: CredentialsState) => ({ inputs: news }),
  diff: async (_id: string, olds: CredentialsState, news: CredentialsState) => changes(olds, news),
  create: async (inputs: CredentialsState) => ({ id: `credentials-${inputs.instanceId}`, outs: await write(inputs) }),
  update: async (_id: string, _olds: CredentialsState, news: CredentialsState) => ({ outs: await write(news) }),
  delete: forget,
});

endWithEngine();

/** Another instance gets credentials of its own, and the old one forgets them; what is not known yet is no change. */
export function changes(olds: CredentialsState, news: CredentialsState) {
  const known = Object.entries(news).filter(([key, value]) => !isUnknown(value) && key !== "__provider");
  const differs = (key: string, value: unknown) =>
    JSON.stringify(olds[key as keyof CredentialsState]) !== JSON.stringify(value);
  const changed = known.filter(([key, value]) => differs(key, value)).map(([key]) => key);
  return {
    changes: changed.length > 0,
    replaces: changed.includes("instanceId") ? ["instanceId"] : [],
    deleteBeforeReplace: true,
  };
}

/** Writes what is found now, which is what the fingerprints are of then. */
async function write(inputs: CredentialsState): Promise<CredentialsState> {
  const { values, problems } = findCredentials(inputs);
  if (problems.length > 0) throw new Error(problems.map(problemLine).join("; "));
  progress(inputs.__urn, "writing them on the machine");
  try {
    await runOn(inputs, credentialsScript({ credentials: values, publicKeys: inputs.publicKeys }));
  } catch (error) {
    throw new Error(hidden((error as Error).message, Object.values(values)));
  }
  return { ...inputs, fingerprints: fingerprintsOf(openStateDir(), values) };
}

/** A machine may repeat what it was told, and its last words are for everybody to read. */
export function hidden(text: string, secrets: readonly string[]): string {
  const parts = secrets.flatMap((secret) => secret.split("\n")).filter((part) => part.trim().length >= 4);
  return parts
    .toSorted((one, other) => other.length - one.length)
    .reduce((rest, part) => rest.replaceAll(part, "[secret]"), text);
}

/** By the way in that the state knows; where that is old, Vast knows the new one. */
async function runOn(inputs: CredentialsState, script: string): Promise<void> {
  const machine = machineOf(inputs);
  try {
    await runScript(machine, script);
  } catch (error) {
    if (!isPullError(error, "unreachable")) throw error;
    const client = new VastClient(openApi(inputs));
    const endpoint = await liveEndpoint(client, machine, { deadline: Date.now() + LOGIN_PATIENCE_MS });
    await runScript({ ...machine, endpoint }, script);
  }
}

function machineOf({ instanceId: id, sshHost, sshPort, hostKey, sshKeyFile }: CredentialsState): Machine {
  const instanceId = Number(id);
  const key = ownSshKey(openStateDir(), sshKeyFile);
  if (hostKey !== "") pinHostKey(key.knownHostsFile, instanceId, hostKey);
  return { instanceId, key, endpoint: lastWayIn(instanceId) ?? { host: sshHost, port: sshPort } };
}

/** Takes them away before the machine goes, if it answers at once; they go with its disk in any case. */
async function forget(_id: string, state: CredentialsState): Promise<void> {
  try {
    await runScript(machineOf(state), forgetScript(), AbortSignal.timeout(FORGET_PATIENCE_MS));
  } catch {
    void say(state.__urn, `instance ${state.instanceId} does not answer, so its credentials go with its disk`);
  }
}
