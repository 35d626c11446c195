import { rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { setImmediate } from "node:timers/promises";
import { folderInMemory } from "../../scripts/lib/traces.ts";
import { caseName, distinct, faultsAt, RECOVERIES, secondFaults, tellingCalls } from "./cases.ts";
import { type Break, type Case, play, type Recovery, type Trace } from "./life.ts";
import type { FaultAt } from "./place.ts";

/** What went wrong, by the name of the case. */
export interface Failure {
  readonly name: string;
  readonly wrong: readonly string[];
  readonly story: readonly string[];
}

/** Two things that go wrong. `recoveries` = after which the case is to be gone through. */
export interface Pair {
  readonly life: string;
  readonly faults: readonly [FaultAt, FaultAt];
  readonly recoveries: readonly Recovery[];
}

/** What came of cases. */
export interface Played {
  readonly failures: readonly Failure[];
  readonly cases: number;
  /** The dearest case. */
  readonly dearest: { readonly name: string; readonly spent: number };
}

/** A case that does not end is a failure, and there is no clock in it that could end it. */
const STUCK_MS = 30_000;

/** Plays cases, one after the other, and keeps the books. */
export class Crew implements Played {
  readonly failures: Failure[] = [];
  cases = 0;
  dearest: Played["dearest"] = { name: "", spent: 0 };
  readonly #dir: string;
  readonly #broken: Break;

  constructor(broken: Break = {}) {
    // The journal asks for the disk at each line, and thousands of lives have no patience.
    this.#dir = folderInMemory(tmpdir());
    this.#broken = broken;
  }

  /** Every case that went wrong, what was wrong, its story, and how to see it again. */
  report(most = 5): string {
    const shown = this.failures
      .slice(0, most)
      .map(
        ({ name, wrong, story }) =>
          `${name}\n${[...wrong, ...story].map((line) => `    ${line}`).join("\n")}\n    again: VAST_TRAINING_CASE='${name}' npm test -- test/enumeration/one.test.ts`,
      );
    const more = this.failures.length > most ? [`and ${this.failures.length - most} more`] : [];
    return [`${this.failures.length} of ${this.cases} cases went wrong`, ...shown, ...more].join("\n");
  }

  close(): void {
    rmSync(this.#dir, { recursive: true, force: true });
  }

  /** Enters what came of cases into the books. */
  add({ failures, cases, dearest }: Played): void {
    this.failures.push(...failures);
    this.cases += cases;
    if (dearest.spent > this.dearest.spent) this.dearest = dearest;
  }

  async play(one: Case): Promise<Trace> {
    const name = caseName(one);
    const stuck = Promise.withResolvers<never>();
    const timer = setTimeout(() => stuck.reject(new Error(`${name}: it hangs`)), STUCK_MS);
    try {
      const trace = await Promise.race([play(this.#dir, one, this.#broken), stuck.promise]);
      const { wrong, story, spent } = trace;
      this.add({ failures: wrong.length > 0 ? [{ name, wrong, story }] : [], cases: 1, dearest: { name, spent } });
      // Nothing in a case waits for anything outside, and what signals hold is let go only when the event loop turns.
      await setImmediate();
      return trace;
    } finally {
      clearTimeout(timer);
    }
  }

  /** With each way to go on; one that ended well has only one. */
  async playAll({ recoveries = RECOVERIES, ...one }: Omit<Case, "recovery"> & { recoveries?: readonly Recovery[] }) {
    const traces = new Map<Recovery, Trace>();
    for (const recovery of recoveries) {
      const trace = await this.play({ ...one, recovery });
      traces.set(recovery, trace);
      if (!trace.wentBad) break;
    }
    return traces;
  }

  /**
   * All that can go wrong once in a life.
   *
   * @param isThorough false = without calls and endings for which others stand
   * @returns all that can go wrong twice
   */
  async singles(life: string, isThorough: boolean, only: (fault: FaultAt) => boolean = () => true): Promise<Pair[]> {
    const { calls } = await this.play({ life, faults: [], recovery: "up" });
    const representative = distinct(faultsAt(tellingCalls(calls)));
    const telling = new Set(representative.map(idOf));
    const pairs: Pair[] = [];
    for (const first of (isThorough ? faultsAt(calls) : representative).filter(only)) {
      const traces = await this.playAll({ life, faults: [first] });
      if (!telling.has(idOf(first))) continue;
      for (const [recovery, trace] of traces) {
        const recoveries = traces.size === 1 ? RECOVERIES : [recovery];
        for (const second of secondFaults(first, trace)) pairs.push({ life, faults: [first, second], recoveries });
      }
    }
    return pairs;
  }

  async pairs(pairs: readonly Pair[]): Promise<void> {
    for (const pair of pairs) await this.playAll(pair);
  }
}

function idOf({ endpoint, nth, ending }: FaultAt): string {
  return `${endpoint} ${nth} ${ending}`;
}
