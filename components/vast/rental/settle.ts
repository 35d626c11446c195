import { hostname } from "node:os";
import { isPassing } from "../client/errors.ts";
import { hiddenFor, WINDOW_MS } from "../client/instance-list.ts";
import { isLeaving, phaseOf } from "../client/phase.ts";
import { ensureSameAccount } from "../client/same-account.ts";
import type { Instance } from "../client/wire.ts";
import { holderOf, type Intent } from "../journal/journal.ts";
import { kept } from "../journal/trouble.ts";
import type { Means } from "../ready/means.ts";
import { stopToKeep } from "./keep.ts";
import { release } from "./release.ts";
import { provesUntouched } from "./untouched.ts";

/** The living instance that a run finds under its label. */
export interface Found {
  readonly instance: Instance;
  /** The offer it came from; null = not known. */
  readonly offerId: number | null;
  /** An open intent says that no step of ours has begun on it. */
  readonly untouched: boolean;
  /** Others of this label that were kept, by id. */
  readonly kept: readonly number[];
}

/** How long another process of ours may take to notice that its engine is gone, and to clean up. */
const HOLDER_PATIENCE_MS = 180_000;
const LOOK_PAUSE_MS = 1000;
/** The longer nothing shows, the longer the pause, up to this. */
const LONGEST_PAUSE_MS = 5000;
const PAUSE_SHARE = 0.2;
/** How long the list may fail before nothing can be said. */
const LIST_PATIENCE_MS = 60_000;

/** Returns when an instance may be released; throws why it is kept, and what that costs. */
export type Gate = (instance: Instance) => Promise<void>;

/** For machines on which no training ever runs, such as a builder of images. */
export const noGate: Gate = async () => {};

/**
 * Settles what is open under a label before anything is rented: waits for the process that may still be renting, then
 * finds the one living instance with exactly this label. A second one is released when certainly no step of ours has
 * begun on it, else stopped and kept for a destroy to look into. undefined = there is none.
 */
export async function settle(means: Means, label: string): Promise<Found | undefined> {
  const intent = await freeIntent(means, label);
  const rows = await rentedAs(means, label, shownBy(means, label, intent));
  const [best, ...others] = rows.filter((row) => !isLeaving(row)).sort(byUse(intent));
  if (best === undefined && rows.length > 0) {
    for (const leaving of rows) await releaseOne(means, leaving);
    return settle(means, label);
  }
  if (best === undefined) {
    await closeOwn(means, label, intent);
    means.journal.begin(label);
    return undefined;
  }
  if (intent !== undefined) means.journal.note(label, best.id);
  const left = others.filter(({ id }) => !provesUntouched(intent, id)).map(({ id }) => id);
  for (const extra of others) await (left.includes(extra.id) ? keepExtra : releaseExtra)(means, extra);
  const untouched = provesUntouched(intent, best.id);
  if (!untouched) means.journal.touch(label);
  const instance = await marked(means, best, label);
  return { instance, offerId: untouched ? (intent?.offerId ?? null) : null, untouched, kept: left };
}

/** Sets the label back: whoever does not know the id finds the instance by it. */
async function marked({ client, say }: Means, instance: Instance, label: string): Promise<Instance> {
  const { id, label: found } = instance;
  if (found === label) return instance;
  await say(`instance ${id} carries the label ${found ?? "(none)"} instead of ${label}, which is set back`);
  await client.setLabel(id, label);
  return { ...instance, label };
}

/**
 * Releases every living instance that was rented under this label: those that an open intent names and those that carry
 * exactly this label. Each passes the gate first, unless an open intent proves that it needs none. Throws when one is
 * left, or when the list cannot be read whole.
 */
export async function releaseAll(means: Means, label: string, gate: Gate): Promise<void> {
  const intent = await freeIntent(means, label);
  let until = shownBy(means, label, intent);
  let unseen = intent;
  for (;;) {
    const rows = await rentedAs(means, label, until);
    if (rows.length === 0) break;
    unseen = undefined;
    const reasons: string[] = [];
    for (const row of rows) {
      try {
        if (!provesUntouched(intent, row.id)) await gate(row);
        await releaseOne(means, row);
      } catch (error) {
        // One that is kept must not hold up the others.
        reasons.push((error as Error).message);
      }
    }
    if (reasons.length > 0) throw kept(reasons);
    // The last rental's instance is found, and no other rental is unaccounted for.
    const isWhole = rows.some(({ id }) => intent?.instanceIds.includes(id)) && means.journal.isKnown(label);
    if (isWhole) until = means.clock.now();
  }
  await closeOwn(means, label, unseen);
}

/**
 * Closes the label, once the key is known to be of the account that rented: any other key sees nothing under it,
 * whatever bills.
 *
 * @param unseen the open intent, where nothing of it was seen
 */
async function closeOwn({ client, journal }: Means, label: string, unseen: Intent | undefined): Promise<void> {
  if (unseen !== undefined) {
    const what = `what an earlier process was renting as ${label}`;
    await ensureSameAccount(client, { what, name: unseen.instanceIds[0] ?? label }, unseen);
  }
  journal.close(label);
}

/** The intent under this label, once no living process holds it. */
async function freeIntent(means: Means, label: string): Promise<Intent | undefined> {
  const { journal, clock } = means;
  const deadline = clock.now() + HOLDER_PATIENCE_MS;
  for (;;) {
    const intent = journal.find(label);
    const holder = intent === undefined ? "nobody" : holderOf(intent);
    if (intent === undefined || holder === "nobody" || holder === "us") return intent;
    if (holder === "elsewhere" || clock.now() > deadline) throw held(intent, journal.fileOf(label));
    means.progress(`process ${intent.pid} is still renting for this run; waiting for it to end`);
    await clock.sleep(LOOK_PAUSE_MS);
  }
}

function held({ host, pid, label, at }: Intent, file: string): Error {
  const since = new Date(at).toISOString().slice(0, 16).replace("T", " ");
  if (host === hostname()) {
    return new Error(
      `process ${pid} is still renting for ${label}, since ${since} UTC: wait until it ends, or end it (kill ${pid}) and try again`,
    );
  }
  return new Error(
    `process ${pid} on ${host} may still be renting for ${label}, since ${since} UTC, and only there can that be seen (ps -p ${pid}). ` +
      `If it runs, wait until it ends, or end it there (kill ${pid}), and try again there. If it has ended, try again on ${host}, ` +
      `or remove ${file}, and try again here: whatever it rented is found by its label`,
  );
}

/**
 * The time by which Vast shows everything rented under a label. Where this journal does not know of every rental
 * (another machine rented, or the journal was lost), the last one may have been sent just now.
 */
function shownBy({ clock, journal }: Means, label: string, intent: Intent | undefined): number {
  const now = clock.now();
  if (!journal.isKnown(label)) return now + WINDOW_MS;
  return intent === undefined ? now : now + hiddenFor(intent, clock);
}

/**
 * Instances that were rented under this label. When there is none, Vast is asked again until `until`, and at least
 * `least` times, because it shows a new one late. Throws when the list cannot be read whole.
 */
export async function rentedAs(means: Means, label: string, until: number, least = 1): Promise<Instance[]> {
  const { clock } = means;
  const began = clock.now();
  const deadline = Math.max(until, began) + LIST_PATIENCE_MS;
  for (let looks = 0; ; ) {
    try {
      const rows = await lookFor(means, label);
      looks += 1;
      if (rows.length > 0 || (looks >= least && clock.now() >= until)) return rows;
      const left = Math.ceil((until - clock.now()) / 1000);
      const rest = left > 0 ? `, ${left} s until Vast would have shown all of it` : "";
      means.progress(`looking for what was rented as ${label}${rest}`);
    } catch (error) {
      if (!isPassing(error) || clock.now() > deadline) throw error;
    }
    const share = (clock.now() - began) * PAUSE_SHARE;
    await clock.sleep(Math.min(Math.max(share, LOOK_PAUSE_MS), LONGEST_PAUSE_MS));
  }
}

/**
 * The id identifies: the instances that the open intent names belong to this label, whatever label Vast shows, in the
 * list or not. So do those that carry the label, unless they were rented under another one.
 */
async function lookFor({ client, list, journal }: Means, label: string): Promise<Instance[]> {
  const listed = await list.look();
  const ids = journal.find(label)?.instanceIds ?? [];
  const isOurs = ({ id, label: found }: Instance) =>
    ids.includes(id) || (found === label && !journal.isOfAnother(id, label));
  const unlisted = ids.filter((id) => !listed.some((row) => row.id === id));
  const asked: (Instance | undefined)[] = [];
  for (const id of unlisted) asked.push(await client.instance(id));
  return [...listed.filter(isOurs), ...asked.filter((row) => row !== undefined)];
}

async function releaseExtra(means: Means, extra: Instance): Promise<void> {
  const { id, label } = extra;
  await means.say(`instance ${id} carries the same label ${label} and is released: a run has one instance`);
  await releaseOne(means, extra);
  means.journal.closeInstance(id);
}

async function releaseOne(means: Means, { id, label, totalPerHour }: Instance): Promise<void> {
  await release(means, id, { label, perHour: totalPerHour });
}

/** Stops an extra instance on which training may have run: only its disk is billed until a destroy looks into it. */
async function keepExtra(means: Means, instance: Instance): Promise<void> {
  const { id, label } = instance;
  const costs = await stopToKeep(means.client, instance);
  await means.say(
    `instance ${id} carries the same label ${label}, and may hold checkpoints: ${costs}; pulumi destroy fetches them and ends it, and this gives them up: vastai destroy instance ${id}`,
  );
}

/** Order of use: the one named by the intent, then the one furthest on its way up, then the oldest. */
function byUse(intent: Intent | undefined): (one: Instance, other: Instance) => number {
  const order = ["ready", "pending", "unknown", "stopped", "offline", "failed", "gone"];
  const rank = (row: Instance) => (intent?.instanceIds.includes(row.id) ? -1 : order.indexOf(phaseOf(row).phase));
  return (one, other) => rank(one) - rank(other) || one.id - other.id;
}
