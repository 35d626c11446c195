import { printable } from "../lib/text.ts";
import type { Listing, Manifest, Writer } from "./manifest.ts";

/** Longer than 3 s: some savers write again after that. */
export const QUIET_MS = 4000;

/** Names that were added, removed or written to between two listings. */
export function differences(before: Manifest, after: Manifest): string[] {
  const names = new Set([...before.keys(), ...after.keys()]);
  return [...names].filter((name) => {
    const [one, other] = [before.get(name), after.get(name)];
    return one?.size !== other?.size || one?.stamp !== other?.stamp;
  });
}

/**
 * How much longer to wait, ms, until nothing has changed for `quietMs`, by the machine's clock or by ours.
 *
 * @param unchangedMs how long nothing has changed as far as we have seen
 */
export function quietLeft({ files, now }: Listing, unchangedMs: number, quietMs: number): number {
  let newest = Number.NEGATIVE_INFINITY;
  for (const { stamp } of files.values()) newest = Math.max(newest, changedAt(stamp, now));
  // A clock that was set back says nothing.
  const age = newest > now ? 0 : (now - newest) * 1000;
  return Math.max(0, quietMs - Math.max(age, unchangedMs));
}

/**
 * The time of the last change. Nobody can set ctime, but some disks have none; an mtime in the future was set by hand.
 */
function changedAt(stamp: string, now: number): number {
  const [, mtime = 0, ctime = 0] = stamp.split(" ").map(Number);
  return mtime > now ? ctime : Math.max(mtime, ctime);
}

/** "python3 (4711) and 2 more", at most three names; undefined = no writers. */
export function writersText(writers: readonly Writer[]): string | undefined {
  if (writers.length === 0) return undefined;
  const shown = writers.slice(0, 3).map(({ pid, command }) => `${printable(command, 20)} (${pid})`);
  const more = writers.length > 3 ? ` and ${writers.length - 3} more` : "";
  return `${shown.join(", ")}${more}`;
}
