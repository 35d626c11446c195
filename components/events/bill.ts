import type { Event, What } from "./event.ts";

/** What one machine of a run has cost, $; `perHour` is what it costs now. */
export interface RentalBill {
  readonly instance: number;
  readonly gpu: string;
  /** Milliseconds since 1970. */
  readonly from: number;
  /** null = it still exists. */
  readonly to: number | null;
  /** Until it was first ready; everything, if it never was. */
  readonly coming: number;
  /** Ready, GPUs and disk. */
  readonly running: number;
  /** Stopped, its disk alone. */
  readonly stopped: number;
  /** Traffic through its ports, as far as known here. */
  readonly traffic: number;
  readonly total: number;
  readonly perHour: number;
  /** true = its prices are not known, so it costs more than this. */
  readonly isLeast: boolean;
}

export interface Bill {
  readonly rentals: readonly RentalBill[];
  /** How many machines only a folded line tells of, and their cost. */
  readonly earlier: number;
  readonly earlierDollars: number;
  readonly total: number;
  readonly perHour: number;
  readonly isLeast: boolean;
}

const MS_PER_HOUR = 3_600_000;
/** After a DELETE the GPUs are billed for up to five minutes; this is half of that. */
const TAIL_MS = 150_000;

/** What happened to one machine, in order of time. */
export interface Rental {
  readonly instance: number;
  readonly events: readonly Event[];
}

/** The machines of a run, in order of time. Only those that were rented, not those that were only tried. */
export function rentalsIn(events: readonly Event[]): Rental[] {
  const ofMachines = events.filter(({ instance }) => instance !== undefined);
  const machines = [...Map.groupBy(ofMachines, ({ instance }) => instance ?? 0)];
  return machines
    .map(([instance, events]) => ({ instance, events: events.toSorted((one, other) => one.at - other.at) }))
    .filter(({ events }) => events.some(({ what }) => what === "rented"));
}

/** What all machines of a run have cost, $, by its log. @param now milliseconds since 1970 */
export function billOf(events: readonly Event[], now: number): Bill {
  const rentals = rentalsIn(events).map((rental) => rentalBill(rental, now));
  const folds = events.filter(({ what }) => what === "folded");
  const earlierDollars = sum(folds, ({ dollars }) => dollars ?? 0);
  return {
    rentals,
    earlier: sum(folds, ({ rentals }) => rentals ?? 0),
    earlierDollars,
    total: earlierDollars + sum(rentals, ({ total }) => total),
    perHour: sum(rentals, ({ perHour }) => perHour),
    isLeast: rentals.some(({ isLeast }) => isLeast),
  };
}

type Phase = "coming" | "running" | "stopped";

/** The phase that an event begins. */
const BEGINS: Partial<Record<What, Phase>> = {
  ready: "running",
  resumed: "running",
  outbid: "stopped",
  stopped: "stopped",
};

function rentalBill({ instance, events }: Rental, now: number): RentalBill {
  const rented = events.find(({ what }) => what === "rented");
  const released = events.find(({ what }) => what === "released");
  const from = rented?.since ?? rented?.at ?? now;
  const end = released?.at ?? now;
  const spent = { coming: 0, running: 0, stopped: 0 };
  let phase: Phase = "coming";
  let rates = { gpu: rented?.gpuPerHour ?? 0, disk: rented?.diskPerHour ?? 0 };
  let at = from;
  for (const event of events.filter((event) => event.at <= end)) {
    const next: Phase = BEGINS[event.what] ?? phase;
    // It was seen stopped, but stopped at an unknown time since it was known to run: take the middle.
    const ran: number = Math.max(at, event.since ?? at);
    const until: number = phase === "running" && next === "stopped" ? (ran + event.at) / 2 : event.at;
    spent[phase] += cost(phase, rates, at, until);
    spent[next] += cost(next, rates, until, event.at);
    rates = { gpu: event.gpuPerHour ?? rates.gpu, disk: event.diskPerHour ?? rates.disk };
    phase = next;
    at = Math.max(at, event.at);
  }
  spent[phase] += cost(phase, rates, at, end);
  if (released !== undefined && phase === "running") spent.running += (rates.gpu * TAIL_MS) / MS_PER_HOUR;
  const traffic = trafficOf(events);
  return {
    instance,
    gpu: rented?.gpu ?? "",
    from,
    to: released === undefined ? null : released.at,
    ...spent,
    traffic,
    total: spent.coming + spent.running + spent.stopped + traffic,
    perHour: released === undefined ? rates.disk + (phase === "running" ? rates.gpu : 0) : 0,
    isLeast: rented?.gpuPerHour === undefined || rented.diskPerHour === undefined,
  };
}

/** GPUs are billed while the machine runs, its disk as long as the machine exists. */
function cost(phase: Phase, { gpu, disk }: { gpu: number; disk: number }, from: number, to: number): number {
  const hours = Math.max(to - from, 0) / MS_PER_HOUR;
  return hours * (disk + (phase === "running" ? gpu : 0));
}

function trafficOf(events: readonly Event[]): number {
  const perGb = events.findLast(({ trafficPerGb }) => trafficPerGb !== undefined)?.trafficPerGb ?? 0;
  return sum(events, ({ bytes }) => bytes ?? 0) * 1e-9 * perGb;
}

function sum<T>(all: readonly T[], amount: (one: T) => number): number {
  return all.reduce((total, one) => total + amount(one), 0);
}

/** What so many hours more cost at today's price, $. */
export function ahead({ perHour }: Pick<Bill, "perHour">, hours: number): number {
  return perHour * hours;
}
