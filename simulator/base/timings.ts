import { between, type Random } from "./random.ts";

/** Seconds, or a range from which each case draws its own. */
export type Seconds = number | readonly [number, number];

/** How long each step of a machine's life takes. */
export interface Timings {
  /** A request's way to the API and its answer's way back. Rate limits count a call when it arrives. */
  readonly latency: Seconds;
  /** Answer to a rental. */
  readonly rent: Seconds;
  /** Rented -> seen by GET and by the list. */
  readonly visible: Seconds;
  /** Rented -> the host reports (status null -> loading). */
  readonly report: Seconds;
  /** Loading -> running when the host has the image. */
  readonly load: Seconds;
  /** Multiplies the seconds that an image takes through the line of a host that lacks it. */
  readonly pull: number;
  /** Start of a stopped machine -> running. */
  readonly start: Seconds;
  /** Running -> `ports` are in the answers. */
  readonly ports: Seconds;
  /** Running -> sshd accepts on the direct port. */
  readonly sshd: Seconds;
  /** Running -> the relay lets the key through. */
  readonly proxy: Seconds;
  /** Key attached -> it is in authorized_keys. */
  readonly attach: Seconds;
  /** Stop -> exited. */
  readonly stop: Seconds;
  readonly reboot: Seconds;
  /** DELETE -> GET answers null. */
  readonly destroy: Seconds;
  /** DELETE -> the GPUs are billed no more. */
  readonly tail: Seconds;
  /** Log asked for -> its address answers 200. */
  readonly logs: Seconds;
  /** A bid of the account is made, changed or given up -> the market's list shows that. */
  readonly echo: Seconds;
}

/** What is typical of the real platform. */
const TYPICAL: Timings = {
  latency: [0.2, 0.5],
  rent: [0.5, 2],
  visible: [0, 3],
  report: [2, 15],
  load: [20, 60],
  pull: 1,
  start: [20, 60],
  ports: [0, 10],
  sshd: [5, 30],
  proxy: [5, 60],
  attach: [2, 10],
  stop: [5, 30],
  reboot: [15, 60],
  destroy: [1, 10],
  tail: [0, 300],
  logs: [1, 5],
  echo: [16, 900],
};

/** The same steps, none left out, short enough to watch. */
const QUICK: Timings = {
  latency: 0,
  rent: 0,
  visible: 0.3,
  report: 0.5,
  load: 2,
  pull: 0,
  start: 1,
  ports: 0.3,
  sshd: 0.5,
  proxy: 1,
  attach: 0.5,
  stop: 0.5,
  reboot: 1,
  destroy: 0.5,
  tail: 0,
  logs: 0.5,
  echo: 3,
};

/** The names of all steps. */
export const STEPS: readonly string[] = Object.keys(QUICK);

/** @param timeFactor multiplies the typical values: 1 = as slow as the real platform; undefined = the quick profile */
export function timingsFor(timeFactor: number | undefined, changes: Partial<Timings> = {}): Timings {
  const profile = timeFactor === undefined ? QUICK : scaled(TYPICAL, timeFactor);
  return { ...profile, ...changes };
}

function scaled(timings: Timings, factor: number): Timings {
  const entries = Object.entries(timings).map(([name, value]: [string, Seconds]) => [name, times(value, factor)]);
  return Object.fromEntries(entries) as Timings;
}

function times(value: Seconds, factor: number): Seconds {
  return typeof value === "number" ? value * factor : [value[0] * factor, value[1] * factor];
}

export function secondsOf(value: Seconds, random: Random): number {
  return typeof value === "number" ? value : between(random, value[0], value[1]);
}
