import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runProgram } from "../programs/program.ts";
import type { Endpoint } from "./endpoint.ts";
import { hostKeyFingerprint, isRevoked, pinnedHostKeys } from "./known-hosts.ts";
import { type SshKey, sshArgs } from "./ssh-key.ts";

type Place = Pick<Endpoint, "host" | "port">;

/** Whose host key it should be. */
interface Owner {
  readonly instanceId: number;
  readonly key: Pick<SshKey, "knownHostsFile">;
}

const PATIENCE_MS = 2_500;

/**
 * The host key (`type base64`) that an endpoint shows now, read without logging in; undefined = none was shown in time.
 */
export async function shownHostKey(
  { host, port }: Place,
  { instanceId }: Pick<Owner, "instanceId">,
  patience = PATIENCE_MS,
): Promise<string | undefined> {
  const scratch = mkdtempSync(join(tmpdir(), "vast-training-key-"));
  try {
    const knownHostsFile = join(scratch, "known_hosts");
    const options = sshArgs({ privateKeyFile: "none", knownHostsFile, port, instanceId, firstUse: true });
    // ssh takes the first of an option given twice, so none of our keys is offered.
    const words = ["ssh", "-o", "PreferredAuthentications=none", ...options, "-n", "-T", `root@${host}`, "exit"];
    await runProgram(words, { timeoutMs: patience });
    return pinnedHostKeys(knownHostsFile, instanceId)[0];
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

/** The new fingerprint of a machine's host key that the user accepts; undefined = none. */
export function acceptedFingerprint(env: NodeJS.ProcessEnv = process.env): string | undefined {
  return env.VAST_ACCEPT_HOST_KEY?.trim() || undefined;
}

/** The host key that an endpoint shows, compared with the pinned one. */
export type Identity =
  | "same" // the pinned key, or nobody answers
  | "accepted" // another key, which the user accepts
  | { readonly stranger: string }; // another one: a sentence for the user

/** Compares the host key that an endpoint shows. `recorded` is the one of the state, "" = none. */
export async function identityAt(place: Place, owner: Owner, recorded: string): Promise<Identity> {
  const { instanceId, key } = owner;
  const pinned = pinnedHostKeys(key.knownHostsFile, instanceId);
  if (recorded !== "" && !isRevoked(key.knownHostsFile, instanceId, recorded)) pinned.push(recorded);
  const shown = pinned.length === 0 ? undefined : await shownHostKey(place, owner);
  if (shown === undefined || pinned.includes(shown)) return "same";
  if (hostKeyFingerprint(shown) === acceptedFingerprint()) return "accepted";
  return { stranger: strangerText(instanceId, `${place.host}:${place.port}`, shown, pinned) };
}

/** A message: which key was known, which is shown, what that means, and what to do. */
export function strangerText(
  instanceId: number,
  where: string,
  shown: string | undefined,
  pinned: readonly string[],
): string {
  const fingerprint = shown === undefined ? undefined : hostKeyFingerprint(shown);
  const known = [...new Set(pinned.map(hostKeyFingerprint))].join(" or ");
  return [
    `instance ${instanceId} shows another host key than the one pinned when it was first seen (${where}):`,
    `${fingerprint ?? "a key of another type"} instead of ${known}.`,
    "Either its container was made anew and its files are lost, or another machine answers in its place; nothing was sent to it.",
    fingerprint === undefined
      ? "Try again to see its fingerprint."
      : `If you know that it was made anew, accept this one key by putting VAST_ACCEPT_HOST_KEY=${fingerprint} before the command.`,
  ].join(" ");
}
