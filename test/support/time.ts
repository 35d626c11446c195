import type { Clock } from "../../components/lib/clock.ts";
import { type HandClock, handClock } from "../../simulator/index.ts";

/** One time for Vast and for us. */
export interface Time {
  /** The simulator's. */
  readonly hand: HandClock;
  /** The program's. */
  readonly clock: Clock;
}

/** Time that only our waiting makes pass: two who wait beside each other wait one after the other. */
export function ownTime(): Time {
  const hand = handClock();
  return { hand, clock: { now: hand.now, sleep: (milliseconds) => hand.advance(milliseconds / 1000) } };
}

/**
 * Time that passes only when all who are at work wait for it, so that two who wait beside each other wait once. Nobody may
 * wait for a socket.
 */
export function sharedTime(): Time {
  const hand = handClock();
  const due = new Set<{ readonly at: number }>();
  const after: HandClock["after"] = (milliseconds, alarm) => {
    const entry = { at: hand.now() + Math.max(0, milliseconds) };
    due.add(entry);
    const cancel = hand.after(milliseconds, () => {
      due.delete(entry);
      return alarm();
    });
    return () => {
      due.delete(entry);
      cancel();
    };
  };
  let sleepers = 0;
  let isTurning = false;
  const turn = async () => {
    if (isTurning) return;
    isTurning = true;
    for (await everybodyWaits(); sleepers > 0; await everybodyWaits()) {
      const next = Math.min(...[...due].map(({ at }) => at));
      // A hair more: seconds are not exact in binary.
      await hand.advance((next - hand.now() + 0.001) / 1000);
    }
    isTurning = false;
  };
  const sleep: Clock["sleep"] = (milliseconds, signal) => {
    if (signal?.aborted) return Promise.resolve();
    sleepers += 1;
    return new Promise((resolve) => {
      const wake = () => {
        cancel();
        signal?.removeEventListener("abort", wake);
        sleepers -= 1;
        resolve();
      };
      const cancel = after(milliseconds, wake);
      signal?.addEventListener("abort", wake);
      void turn();
    });
  };
  return { hand: { now: hand.now, after, advance: hand.advance }, clock: { now: hand.now, sleep } };
}

/** Nothing here touches a socket, so what can go on without time has gone on after a few turns of the event loop. */
async function everybodyWaits(): Promise<void> {
  for (let turns = 0; turns < 3; turns++) await new Promise((next) => setImmediate(next));
}
