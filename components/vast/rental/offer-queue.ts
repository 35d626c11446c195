import type { VastClient } from "../client/client.ts";
import { isVastError } from "../client/errors.ts";
import { isLeaving } from "../client/phase.ts";
import { apart } from "../ledger/standing.ts";
import { market } from "../market/offers.ts";
import { isSameSlice } from "../market/on-demand.ts";
import { type Quote, quoteOf } from "../market/quote.ts";
import type { Means } from "../ready/means.ts";
import { nobodyWaits, type RentalRequest } from "./rental-request.ts";

/** A search that is older is not trusted: popular offers go within a minute. */
const FRESH_MS = 60_000;

/** Machines that rentals of this process have reserved, by client. */
const claims = new WeakMap<VastClient, Set<number>>();

/** The offers of one rental in the order in which they are tried: the quoted one, then what the market has at the time. */
export class OfferQueue {
  readonly #means: Means;
  readonly #request: RentalRequest;
  readonly #skipped = new Set<number>();
  readonly #gone = new Set<number>();
  #quoted: Quote | null;
  #choices: readonly Quote[] = [];
  #searchedAt = Number.NEGATIVE_INFINITY;
  #said = "";

  constructor(means: Means, request: RentalRequest) {
    this.#means = means;
    this.#request = request;
    this.#quoted = request.quote;
  }

  /** Offers this machine no more. */
  skip(machineId: number | null): void {
    if (machineId !== null) this.#skipped.add(machineId);
  }

  /** The offer is gone under this id: taken, or listed under a new id, under which its machine may be tried again. */
  missed({ offerId, machineId }: Quote): void {
    this.#gone.add(offerId);
    // Other offers of that search may be gone too.
    this.#searchedAt = Number.NEGATIVE_INFINITY;
    claims.get(this.#means.client)?.delete(machineId);
  }

  /** The next offer, which no other rental of this process gets. Throws why the market has nothing left that fits. */
  async next(): Promise<Quote> {
    const quoted = this.#quoted;
    this.#quoted = null;
    if (quoted !== null && this.#isOpen(quoted) && !this.#hasFailed(quoted)) return this.#claim(quoted);
    for (;;) {
      const isFresh = this.#means.clock.now() - this.#searchedAt <= FRESH_MS;
      const open = isFresh ? this.#choices.filter((choice) => this.#isOpen(choice)) : [];
      const known = open.find((choice) => this.#isPromised(choice)) ?? open[0];
      if (known !== undefined) return this.#claim(known);
      await this.#search();
    }
  }

  #isOpen({ machineId, offerId }: Quote): boolean {
    return !this.#closed().has(machineId) && !this.#gone.has(offerId);
  }

  /** Did its machine fail within a week, maybe after the quote? Then a search tells whether there is a better one. */
  #hasFailed(quoted: Quote): boolean {
    const { ledger } = this.#means;
    return ledger !== undefined && apart([quoted], ledger.standings()).passed.length > 0;
  }

  /** Is it the quoted machine, under whatever id, at no higher price? */
  #isPromised(choice: Quote): boolean {
    const { quote } = this.#request;
    return quote !== null && isSameSlice(choice, quote) && choice.totalPerHour <= quote.totalPerHour + 1e-6;
  }

  /**
   * Machines not to bid for: tried already, reserved by another rental of this process, or ours, which we would outbid.
   */
  #closed(): ReadonlySet<number> {
    const { client, list } = this.#means;
    const used = list.latest.filter((row) => !isLeaving(row)).flatMap(({ machineId }) => machineId ?? []);
    return new Set([...this.#skipped, ...(claims.get(client) ?? []), ...used]);
  }

  #claim(offer: Quote): Quote {
    const { client } = this.#means;
    claims.set(client, (claims.get(client) ?? new Set()).add(offer.machineId));
    return offer;
  }

  async #search(): Promise<void> {
    const { client, clock, engine, prices, ledger, progress, say } = this.#means;
    progress("searching the market");
    const { criteria, pull } = this.#request;
    const skips = { skipMachines: this.#closed(), skipOffers: this.#gone };
    const options = { ...skips, prices, ledger, pull, signal: engine.signal };
    const { choices, passedOver, excluded } = await market(client, criteria, options).catch((error) => {
      throw isVastError(error, "aborted") ? nobodyWaits() : error;
    });
    this.#searchedAt = clock.now();
    this.#choices = choices.map((choice) => quoteOf(choice, pull));
    if (passedOver !== "" && passedOver !== this.#said) await say(passedOver);
    this.#said = passedOver;
    if (choices.length === 0) throw new Error(`no offer to rent: ${excluded}`);
  }
}
