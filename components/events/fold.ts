import { billOf, rentalsIn } from "./bill.ts";
import { type Event, eventFrom, lineOf } from "./event.ts";

/** Of finished runs so many are remembered, a line each. */
const MOST_FOLDED = 200;

/** What a bill is made of. */
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
 * What stays of lines whose file is removed. A finished run of which no other file tells becomes one line with its dollars;
 * of a run that lives, or that others tell of, all stays that its bill is made of, and the last of each other kind.
 */
export function carried(removed: readonly string[], kept: readonly string[]): string[] {
  const old = withoutFolded(removed.flatMap((text) => eventFrom(text) ?? []));
  const elsewhere = new Set(kept.map((text) => eventFrom(text)?.run));
  const runs = Map.groupBy(old, ({ run }) => run);
  const folded: Event[] = [];
  const others: Event[] = [];
  for (const [run, events] of runs) {
    // Nobody asks for what was never rented.
    const isRented = events.some(({ what }) => what === "rented" || what === "folded");
    if (run === undefined || !(isRented || elsewhere.has(run))) continue;
    if (elsewhere.has(run) || !isFinished(events)) others.push(...shortened(events));
    else folded.push(foldOf(run, events));
  }
  const newest = folded.toSorted((one, other) => one.at - other.at).slice(-MOST_FOLDED);
  return [...newest, ...others].map(lineOf);
}

/** Is all that it rented gone? */
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

/** In order of time, without what a folded line of the same run stands for. */
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
