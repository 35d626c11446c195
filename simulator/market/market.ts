import { generateMarket } from "./generate.ts";
import { GPU_MODELS } from "./gpus.ts";
import type { Machine, Offer } from "./machine.ts";

/** A change of prices; of every machine when none is named. */
export interface MarketMove {
  readonly machineId?: number;
  readonly offerId?: number;
  /** Multiplies today's prices. */
  readonly factor: number;
}

/** Everything that can be rented. Knows nothing of who rents. */
export class Market {
  readonly machines: readonly Machine[];
  readonly #offers = new Map<number, Offer>();

  constructor(seed: number, now: number, times: number) {
    this.machines = generateMarket(seed, now, times);
    for (const machine of this.machines) for (const ask of machine.asks) this.#offers.set(ask.id, { ask, machine });
  }

  offers(): IterableIterator<Offer> {
    return this.#offers.values();
  }

  offer(id: number): Offer | undefined {
    return this.#offers.get(id);
  }

  /** Offers get other ids, as real ones do within minutes. Machines and their slices stay what they are. */
  renumber(): void {
    const offers = [...this.#offers.values()];
    const highest = Math.max(...this.#offers.keys());
    this.#offers.clear();
    for (const [index, offer] of offers.entries()) {
      offer.ask.id = highest + 1 + index;
      this.#offers.set(offer.ask.id, offer);
    }
  }

  gpuNames(): string[] {
    return GPU_MODELS.map(({ name }) => name).sort();
  }

  move({ machineId, offerId, factor }: MarketMove): Machine[] {
    const target = offerId === undefined ? machineId : this.#offers.get(offerId)?.machine.id;
    const all = offerId === undefined && machineId === undefined;
    const moved = this.machines.filter(({ id }) => all || id === target);
    for (const machine of moved) machine.priceFactor *= factor;
    return moved;
  }
}
