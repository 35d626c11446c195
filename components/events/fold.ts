import { billOf, rentalsIn } from "./bill.ts";
import { type Event, eventFrom, lineOf } from "./event.ts";

/** How many finished runs are remembered, a line each. */
const MOST_FOLDED = 200;

/** The events from which a bill is computed. */
const OF_MONEY: ReadonlySet<Event["what"]> = new Set([
  "rented",
  "ready",
  "outbid",
  "stopped",
  "resumed",
  "bid moved",
  "synced",
  "failed",
  "released",
]);

/**
 * The lines to keep from a file that is removed. A finished run that no other file mentions becomes one line with its
 * dollars. Of any other run, all events of its bill stay, and the last event of each other kind.
 */
export function carried(removed: readonly string[], kept: readonly string[]): string[] {
  const old = withoutFolded(removed.flatMap((text) => eventFrom(text) ?? []));
  const elsewhere = new Set(kept.map((text) => eventFrom(text)?.run));
  const runs = Map.groupBy(old, ({ run }) => run);
  const folded: Event[] = [];
  const others: Event[] = [];
  for (const [run, events] of runs) {
    // A run without a rental is forgotten, unless another file mentions it.
    const isRented = events.some(({ what }) => what === "rented" || what === "folded");
    if (run === undefined || !(isRented || elsewhere.has(run))) continue;
    if (elsewhere.has(run) || !isFinished(events)) others.push(...shortened(events));
    else folded.push(foldOf(run, events));
  }
  const newest = folded.toSorted((one, other) => one.at - other.at).slice(-MOST_FOLDED);
  return [...newest, ...others].map(lineOf);
}

/** Is every machine that the run rented gone? */
function isFinished(events: readonly Event[]): boolean {
  return rentalsIn(events).every(({ events }) => events.some(({ what }) => what === "released"));
}

function shortened(events: readonly Event[]): Event[] {
  const isLast = (event: Event) =>
    event === events.findLast(({ what, instance }) => what === event.what && instance === event.instance);
  return events.filter((event) => OF_MONEY.has(event.what) || event.what === "folded" || isLast(event));
}

function foldOf(run: string, events: readonly Event[]): Event {
  const at = Math.max(...events.map((event) => event.at));
  const [first] = events;
  const since = Math.min(...events.map((event) => event.since ?? event.at));
  const { total, rentals, earlier } = billOf(events, at);
  const stack = events.find((event) => event.stack !== undefined)?.stack;
  return {
    at,
    run,
    ...(stack === undefined ? {} : { stack }),
    actor: first?.actor ?? "",
    what: "folded",
    since,
    dollars: total,
    rentals: rentals.length + earlier,
  };
}

/** In order of time, without events that a folded line of the same run already sums up. */
export function withoutFolded(events: readonly Event[]): Event[] {
  const folds = events.filter(({ what }) => what === "folded").toSorted(byTime);
  const newest = new Map(folds.map((fold) => [fold.run, fold]));
  const isLeft = (event: Event) => {
    const fold = newest.get(event.run);
    return fold === undefined || event === fold || event.at > fold.at;
  };
  return events.filter(isLeft).toSorted(byTime);
}

function byTime(one: Event, other: Event): number {
  return one.at - other.at;
}
