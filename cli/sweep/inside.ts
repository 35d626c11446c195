import { openStateDir } from "../../components/lib/state-dir.ts";
import { remoteError } from "../../components/ssh/remote-error.ts";
import { ownSshKey } from "../../components/ssh/ssh-key.ts";
import { realClock, realLogins } from "../../components/vast/ready/connect.ts";
import {
  type Doubt,
  doubtAbout,
  ensureUntouched,
  type Looking,
  provesUntouched,
} from "../../components/vast/rental/untouched.ts";
import type { Surveyed } from "../fleet/survey.ts";

export interface InsideMeans {
  readonly env: NodeJS.ProcessEnv;
  progress(text: string): void;
}

/** Why a machine may hold files; undefined = it holds nothing of a training of this owner's. */
export async function doubtOf(machine: Surveyed, means: InsideMeans): Promise<Doubt | undefined> {
  if (machine.holder.by === "another owner") return { seen: false, why: "it is another owner's" };
  return isProven(machine) ? undefined : doubtAbout(looking(machine, means), machine.instance.id);
}

/**
 * Returns if the machine certainly never ran a training of this owner's, or if VAST_DISCARD_CHECKPOINTS names it.
 * Otherwise throws why it is kept. A machine that nobody can look into is stopped.
 */
export async function ensureEmpty(machine: Surveyed, means: InsideMeans): Promise<void> {
  if (isProven(machine)) return;
  await ensureUntouched(looking(machine, means), machine.instance, `${insteadOf(machine)}.`, means.env);
}

/** What to do instead, so that the files on it are not lost. */
function insteadOf({ instance, holder }: Surveyed): string {
  const stack = holder.by === "nobody" ? holder.successor?.stack : undefined;
  if (stack !== undefined) return `pulumi destroy -s ${stack} fetches what is on it, and ends it`;
  return `Copy what you need from it, and then vast-run sweep --destroy ${instance.id}, without --yes, asks you`;
}

/** Did its process die before any step had begun on the machine? */
function isProven({ instance, holder }: Surveyed): boolean {
  return holder.by === "nobody" && provesUntouched(holder.intent, instance.id);
}

function looking({ target: { client }, holder }: Surveyed, { env, progress }: InsideMeans): Looking {
  const file = holder.by === "nobody" ? (holder.successor?.sshKeyFile ?? "") : "";
  return { client, clock: realClock, logins: realLogins(client, () => keyOf(file, env)), progress };
}

/** The key, or an error: without a key nobody can look inside. */
function keyOf(file: string, env: NodeJS.ProcessEnv): ReturnType<typeof ownSshKey> {
  try {
    return ownSshKey(openStateDir(env), file);
  } catch (error) {
    throw remoteError("failed", (error as Error).message);
  }
}
