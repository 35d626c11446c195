import type { Means } from "./means.ts";
import { market } from "./offers.ts";
import type { RentableOffer, RentalRequest } from "./rental-request.ts";

/** A search that is older is not trusted: popular offers go within a minute. */
const FRESH_MS = 60_000;

/** The offers of one rental in the order in which they are tried: the quoted one, then what the market has at the time. */
export class OfferQueue {
  readonly #means: Means;
  readonly #request: RentalRequest;
  readonly #skipped = new Set<number>();
  #quoted: RentableOffer | null;
  #choices: readonly RentableOffer[] = [];
  #searchedAt = Number.NEGATIVE_INFINITY;

  constructor(means: Means, request: RentalRequest) {
    this.#means = means;
    this.#request = request;
    this.#quoted = request.quote;
  }

  /** This machine is not wanted again. */
  skip(machineId: number | null): void {
    if (machineId !== null) this.#skipped.add(machineId);
  }

  /** Throws why the market has nothing left that fits. */
  async next(): Promise<RentableOffer> {
    const quoted = this.#quoted;
    this.#quoted = null;
    if (quoted !== null && this.#isOpen(quoted)) return quoted;
    const isFresh = this.#means.clock.now() - this.#searchedAt <= FRESH_MS;
    const known = isFresh ? this.#choices.find((choice) => this.#isOpen(choice)) : undefined;
    return known ?? (await this.#search());
  }

  #isOpen({ machineId }: RentableOffer): boolean {
    return !this.#skipped.has(machineId);
  }

  async #search(): Promise<RentableOffer> {
    const { client, clock, progress } = this.#means;
    progress("searching the market");
    const options = { skipMachines: this.#skipped, onDemandPrice: false };
    const { choices, excluded } = await market(client, this.#request.criteria, options);
    this.#searchedAt = clock.now();
    this.#choices = choices;
    const [first] = choices;
    if (first === undefined) throw new Error(`no offer to rent: ${excluded}`);
    return first;
  }
}
