import type { Contract } from "./contract.ts";

/** Every contract there ever was, in the order of their ids. */
export class Contracts {
  readonly #all = new Map<number, Contract>();
  #lastId: number;

  /**
   * An id is never used twice, not even by the next simulator on the same home, for a stack may remember an old one.
   * So ids begin at the present time, in seconds.
   */
  constructor(now: number) {
    this.#lastId = 10_000_000 + (Math.floor(now / 1000) % 90_000_000);
  }

  nextId(): number {
    this.#lastId += 1;
    return this.#lastId;
  }

  add(contract: Contract): void {
    this.#all.set(contract.id, contract);
  }

  get(id: number): Contract | undefined {
    return this.#all.get(id);
  }

  all(): Contract[] {
    return [...this.#all.values()];
  }

  living(): Contract[] {
    return this.all().filter(({ state }) => state !== "gone");
  }

  on(machineId: number): Contract[] {
    return this.living().filter(({ offer }) => offer.machine.id === machineId);
  }

  byKey(apiKey: string): Contract | undefined {
    return this.living().find((contract) => contract.apiKey === apiKey);
  }
}
