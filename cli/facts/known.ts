import { rentalsIn } from "../../components/events/bill.ts";
import type { Event } from "../../components/events/event.ts";
import { stackOf } from "../../components/vast/journal/journal.ts";
import type { Terminal } from "../command/command.ts";
import { openIntents } from "../fleet/fleet.ts";
import { lastRun } from "../fleet/runs.ts";
import type { Facts } from "./facts.ts";
import { seenOf } from "./seen.ts";

/** What is known of a stack without asking anybody: by the log of events, the journal, and what was seen before. */
export function knownOf(stack: string, log: readonly Event[], seenDir: string, terminal: Terminal): Facts {
  const run = lastRun(log, stack) ?? null;
  const events = log.filter((event) => event.run === run || (event.what === "quoted" && event.stack === stack));
  const nothing = { instance: {}, market: {}, lease: {}, machine: {}, saved: {} };
  return {
    stack,
    events,
    run,
    renting: rentingOf(stack, terminal),
    ...nothing,
    ...(run === null ? {} : seenOf(seenDir, run)),
  };
}

function rentingOf(stack: string, { env, note }: Terminal): Facts["renting"] {
  try {
    const own = openIntents(env).filter((intent) => stackOf(intent) === stack);
    if (own.length === 0) return "no";
    return own.every(({ process }) => process === "ended") ? "cut short" : "by a process";
  } catch (error) {
    note((error as Error).message);
    return "no";
  }
}

/** The machine that the run has, by its log, and where it was rented. undefined = none, as far as is noted. */
export function rentalOf({ events, run }: Facts) {
  const last = rentalsIn(events.filter((event) => event.run === run)).at(-1);
  const api = events.findLast((event) => event.run === run && event.api !== undefined)?.api;
  if (last === undefined || api === undefined) return undefined;
  return last.events.some(({ what }) => what === "released") ? undefined : { id: last.instance, api };
}
