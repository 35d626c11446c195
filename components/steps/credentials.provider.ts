import { type CredentialSearch, findCredentials } from "../credentials/credentials.ts";
import { type Fingerprints, fingerprintsOf } from "../credentials/fingerprint.ts";
import { ProblemError } from "../lib/problem.ts";
import { openStateDir } from "../lib/state-dir.ts";
import { progress, say } from "../pulumi/engine.ts";
import { changedKeys, lifecycle } from "../pulumi/lifecycle.ts";
import { credentialsScript, forgetScript } from "../remote/scripts.ts";
import { runScript } from "../ssh/run-script.ts";
import { type KnownMachine, machineOf, onMachine } from "./reach.ts";

/** What a later delete needs to know; no value of a credential. */
export interface CredentialsState extends KnownMachine, CredentialSearch {
  readonly fingerprints: Fingerprints;
  readonly publicKeys: readonly string[];
  /** The row on which progress is shown. */
  readonly __urn: string;
}

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

/**
 * Another instance is a replacement: the new one gets its own credentials, the old one's are removed. A value that is
 * not known yet is no change.
 */
export function changes(olds: CredentialsState, news: CredentialsState) {
  const changed = changedKeys(olds, news);
  return {
    changes: changed.length > 0,
    replaces: changed.includes("instanceId") ? ["instanceId"] : [],
    deleteBeforeReplace: true,
  };
}

/** Writes the credentials found now, and keeps the fingerprints of exactly those. */
async function write(inputs: CredentialsState): Promise<CredentialsState> {
  const { values, problems } = findCredentials(inputs);
  if (problems.length > 0) throw new ProblemError(problems);
  progress(inputs.__urn, "writing them on the machine");
  const script = credentialsScript({ ...inputs, credentials: values });
  await onMachine(inputs, (machine) => runScript(machine, script));
  return { ...inputs, fingerprints: fingerprintsOf(openStateDir(), values) };
}

/** Removes the credentials before the machine goes, if it answers at once; otherwise they go with its disk. */
async function forget(_id: string, state: CredentialsState): Promise<void> {
  try {
    await runScript(machineOf(state), forgetScript(), AbortSignal.timeout(FORGET_PATIENCE_MS));
  } catch {
    void say(state.__urn, `instance ${state.instanceId} does not answer, so its credentials go with its disk`);
  }
}
