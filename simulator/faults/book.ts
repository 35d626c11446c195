import { type Fault, type FaultEntry, fits, isSpent, type Occasion } from "./fault.ts";

/** The scripted faults, in the order in which they were written down. */
export class FaultBook {
  #entries: FaultEntry[] = [];
  readonly #check: (fault: Fault) => Fault;

  /** @param check throws when a fault can never occur */
  constructor(check: (fault: Fault) => Fault) {
    this.#check = check;
  }

  /** Adds all faults, or none when one of them cannot occur. */
  add(...faults: Fault[]): void {
    const entries = faults.map((fault) => ({ fault: this.#check(fault), met: 0, skipped: 0 }));
    this.#entries.push(...entries);
  }

  clear(): void {
    this.#entries = [];
  }

  /** The first fault for this occasion; counts it as met. */
  take(occasion: Occasion): Fault | undefined {
    return this.#entries.find((entry) => this.#meets(entry, occasion))?.fault;
  }

  /** All faults for this occasion; counts each as met. */
  takeAll(occasion: Occasion): Fault[] {
    return this.#entries.filter((entry) => this.#meets(entry, occasion)).map(({ fault }) => fault);
  }

  /** Every fault with how often it was met; `left` null = for ever. */
  list(): (Fault & { readonly met: number; readonly left: number | null })[] {
    return this.#entries.map(({ fault, met }) => {
      const times = fault.times ?? 1;
      return { ...fault, met, left: times === 0 ? null : times - met };
    });
  }

  #meets(entry: FaultEntry, occasion: Occasion): boolean {
    if (isSpent(entry) || !fits(entry.fault, occasion)) return false;
    if (entry.skipped < (entry.fault.after ?? 0)) {
      entry.skipped += 1;
      return false;
    }
    entry.met += 1;
    return true;
  }
}
