import { type Seconds, type Timings, timingsFor } from "../simulator/base/timings.ts";

/** How slow the platform is on which something is measured. */
export interface Profile {
  readonly name: string;
  /** What differs from the simulator's quick profile. */
  readonly timings: Partial<Timings>;
  /** How many times as many machines as usual there are to rent; default 1. */
  readonly market?: number;
}

/**
 * A search takes 0.3 s as every call does, PUT 1 s, a machine is seen after 2 s, runs after 25 s, has its ports 3 s and
 * its sshd 8 s later, and is gone 4 s after DELETE.
 */
const SLOW = {
  latency: 0.3,
  rent: 0.7,
  visible: 2,
  report: 1,
  load: 24,
  ports: 3,
  sshd: 8,
  proxy: 8,
  attach: 2,
  destroy: 4,
};

export const QUICK: Profile = { name: "quick", timings: {} };
export const CROWDED: Profile = { ...QUICK, market: 4 };
export const TENTH: Profile = { name: "tenth", timings: times(SLOW, 0.1) };
export const REAL: Profile = { name: "real", timings: SLOW };

function times(timings: Readonly<Record<string, number>>, factor: number): Partial<Timings> {
  const entries = Object.entries(timings).map(([step, seconds]) => [step, Number((seconds * factor).toFixed(3))]);
  return Object.fromEntries(entries);
}

/** As options of the simulator. */
export function simulatorOptions({ timings, market }: Profile): string[] {
  const steps = Object.entries(timings).flatMap(([step, seconds]) => ["--timing", `${step}=${seconds}`]);
  return market === undefined ? steps : ["--market", String(market), ...steps];
}

/** Seconds that nobody can save between the command and a login: a search, a rental, the boot. */
export function platformSeconds({ timings }: Profile): number {
  const { latency, rent, report, load, ports, sshd } = timingsFor(undefined, timings);
  return 2 * most(latency) + most(rent) + most(report) + most(load) + Math.max(most(ports), most(sshd));
}

/** A profile has no ranges. */
function most(seconds: Seconds): number {
  return typeof seconds === "number" ? seconds : seconds[1];
}
