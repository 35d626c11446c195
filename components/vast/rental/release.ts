import { isPassing, isVastError } from "../client/errors.ts";
import { VISIBLE_MS } from "../client/instance-list.ts";
import { type Instance, instanceFromWire } from "../client/wire.ts";
import { kept, leftText, stranded } from "../journal/trouble.ts";
import { clear } from "../lease/lease.ts";
import type { Means } from "../ready/means.ts";

/** What a release needs of the world. */
export type Releasing = Pick<Means, "client" | "list" | "clock" | "progress" | "events">;

export interface ReleaseOptions {
  /** When it was rented: for a while after that, "no such instance" may only mean "not yet visible". Default long ago. */
  readonly rentedAt?: number | undefined;
  readonly label?: string | null;
  /** $/h, for the text of the error. */
  readonly perHour?: number | null;
  /** As it was seen last. */
  readonly instance?: Instance | undefined;
  /** Default five minutes. */
  readonly patienceMs?: number;
}

const PATIENCE_MS = 300_000;
/** A DELETE that Vast has answered and not carried out is sent again after this. */
const AGAIN_MS = 8_000;
const LOOK_MS = 600;

/**
 * Ends an instance and returns only when it is gone for certain: neither Vast's single view nor a complete list has it.
 * Already gone is success: false = Vast never showed it to this key. Throws `Kept`: what is left and the command that
 * ends it.
 */
export async function release(means: Releasing, id: number, options: ReleaseOptions = {}): Promise<boolean> {
  const { clock } = means;
  const deadline = clock.now() + (options.patienceMs ?? PATIENCE_MS);
  const visibleBy = (options.rentedAt ?? Number.NEGATIVE_INFINITY) + VISIBLE_MS;
  let why = "Vast still shows it";
  let sentAt = Number.NEGATIVE_INFINITY;
  let known = false;
  while (clock.now() <= deadline) {
    try {
      if (clock.now() - sentAt >= AGAIN_MS) {
        known = (await means.client.destroy(id)) || known;
        sentAt = clock.now();
      }
      means.progress(`releasing instance ${id}`);
      await clock.sleep(LOOK_MS);
      const left = await whatIsLeft(means, id);
      known ||= left !== undefined;
      if (left === undefined && clock.now() >= visibleBy) {
        means.events?.noteOnce({ what: "released", instance: id });
        await clearJobs(means, id);
        return known;
      }
      // Not visible yet, so the DELETE may have come too early: send it again.
      if (left === undefined) sentAt = Number.NEGATIVE_INFINITY;
    } catch (error) {
      if (!isPassing(error)) throw cannot(error, id, options);
      why = (error as Error).message;
      await clock.sleep(1000);
    }
  }
  throw cannot(new Error(why), id, options);
}

/** Best effort: a job for an instance that is gone does no harm, and recover and sweep look for them. */
async function clearJobs({ client }: Releasing, id: number): Promise<void> {
  await clear(client, id).catch((error) => {
    if (!isVastError(error)) throw error;
  });
}

/** Releases an instance, or throws it as `Stranded`, so that it gets into the state and the next run tries again. */
export async function releaseOrStrand(means: Means, id: number, options: ReleaseOptions): Promise<void> {
  try {
    await release(means, id, options);
  } catch (error) {
    const instance = options.instance ?? instanceFromWire({ id, label: options.label });
    if (instance === undefined) throw error;
    throw stranded(instance, (error as Error).message, true);
  }
}

function cannot(error: unknown, id: number, { label = null, perHour = null }: ReleaseOptions): Error {
  return kept([`${leftText(id, label, perHour)} (${(error as Error).message})`]);
}

/**
 * The instance as Vast still has it; undefined = gone for certain. Throws when that cannot be said.
 *
 * @param rentedAt as in `ReleaseOptions`
 */
export async function whatIsLeft(
  { list, client, clock }: Pick<Means, "list" | "client" | "clock">,
  id: number,
  rentedAt = Number.NEGATIVE_INFINITY,
): Promise<Instance | undefined> {
  for (;;) {
    const listed = (await list.look()).find((instance) => instance.id === id);
    const left = listed ?? (await client.instance(id));
    if (left !== undefined || clock.now() >= rentedAt + VISIBLE_MS) return left;
    await clock.sleep(LOOK_MS);
  }
}
