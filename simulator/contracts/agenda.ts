import type { Clock } from "../base/clock.ts";
import { type Random, seeded } from "../base/random.ts";
import { secondsOf, type Timings } from "../base/timings.ts";
import { type Contract, moveTo } from "./contract.ts";
import { factsOf, type State } from "./state.ts";

export interface AgendaContext {
  readonly clock: Clock;
  readonly timings: Timings;
  readonly random: Random;
  readonly log: (line: string) => void;
}

/** Schedules what happens to each contract. A contract has one errand at a time: a new one replaces the last. */
export class Agenda {
  readonly #context: AgendaContext;
  /** Random streams of their own: late listing and billing do not change the numbers that the steps draw. */
  readonly #echo = seeded(1);
  readonly #tail = seeded(2);

  constructor(context: AgendaContext) {
    this.#context = context;
  }

  /** Begins a new errand: cancels everything scheduled for the contract. */
  newErrand(contract: Contract): void {
    contract.errand += 1;
    for (const cancel of contract.alarms) cancel();
    contract.alarms.clear();
  }

  /** A step of the present errand, so many seconds from now. Infinity = never. */
  later(contract: Contract, seconds: number, step: () => void | Promise<void>): void {
    if (seconds === Number.POSITIVE_INFINITY) return;
    const cancel = this.#context.clock.after(seconds * 1000, () => {
      contract.alarms.delete(cancel);
      return step();
    });
    contract.alarms.add(cancel);
  }

  move(contract: Contract, state: State): void {
    moveTo(contract, state, this.now());
    this.list(contract);
    const why = state === "stopped" && contract.down !== undefined ? ` (${contract.down})` : "";
    this.#context.log(`instance ${contract.id}: ${state}${why}`);
  }

  /** Lists a bid, or its end, in the market after a delay. */
  list(contract: Contract): void {
    const bid = factsOf(contract.state).holdsGpus ? contract.bid : null;
    if ((contract.listings.at(-1)?.bid ?? null) === bid) return;
    const seconds = secondsOf(this.#context.timings.echo, this.#echo);
    contract.listings.push({ bid, from: this.now() + seconds * 1000 });
  }

  /** How long GPUs are still billed after their contract is gone. */
  tailSeconds(): number {
    return secondsOf(this.#context.timings.tail, this.#tail);
  }

  /** How long a step takes this time. */
  seconds(step: Exclude<keyof Timings, "pull" | "echo" | "tail">): number {
    return secondsOf(this.#context.timings[step], this.#context.random);
  }

  /** Seconds to pull so many MB through a line of so many Mbps. */
  pullSeconds(megabytes: number, mbps: number): number {
    return (this.#context.timings.pull * megabytes * 8) / mbps;
  }

  /** Milliseconds since 1970. */
  now(): number {
    return this.#context.clock.now();
  }
}
