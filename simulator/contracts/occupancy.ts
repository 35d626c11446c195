import { rounded } from "../base/random.ts";
import { floorPrice, type Offer, overlap } from "../market/machine.ts";
import type { Contract } from "./contract.ts";
import type { Contracts } from "./contracts.ts";
import { factsOf } from "./state.ts";

/** To beat a standing bid takes this much more, $/h. */
const STEP = 0.001;

/** Contracts that hold GPUs of this slice. */
export function holders(contracts: Contracts, offer: Offer, except?: Contract): Contract[] {
  return contracts
    .on(offer.machine.id)
    .filter((other) => other !== except && factsOf(other.state).holdsGpus && overlap(other.offer.ask, offer.ask));
}

/** Is the slice, or a part of it, rented on demand? Then no bid gets it. */
export function takenOnDemand(contracts: Contracts, offer: Offer, except?: Contract): boolean {
  const tenants = offer.machine.asks.filter((ask) => ask.tenant?.kind === "on-demand" && overlap(ask, offer.ask));
  return tenants.length > 0 || holders(contracts, offer, except).some(({ bid }) => bid === null);
}

/** $/h that gets the slice: the host's floor, and more than every bid that stands in the way. */
export function minBid(contracts: Contracts, offer: Offer, except?: Contract): number {
  const own = holders(contracts, offer, except).flatMap(({ bid }) => (bid === null ? [] : [bid + STEP]));
  return Math.max(withoutAccount(offer), ...own.map(upToDigits));
}

/**
 * $/h that the market lists. The account's own bids are listed unchanged, with three decimals, and late: one that was
 * lowered or given up is listed for minutes more. Real offers do this; for the account's own instances it is the harder
 * case.
 */
export function listedMinBid(contracts: Contracts, offer: Offer, now: number): number {
  const own = contracts
    .all()
    .filter((other) => other.offer.machine === offer.machine && overlap(other.offer.ask, offer.ask))
    .flatMap(({ listings }) => listings.findLast(({ from }) => from <= now)?.bid ?? []);
  return Math.max(withoutAccount(offer), ...own.map((bid) => rounded(bid, 3)));
}

/** $/h that gets the slice if only other tenants' bids count. */
function withoutAccount(offer: Offer): number {
  const strangers = offer.machine.asks
    .filter((ask) => overlap(ask, offer.ask))
    .flatMap(({ tenant }) => (tenant?.kind === "bid" ? [tenant.perHour] : []));
  return upToDigits(Math.max(floorPrice(offer), ...strangers.map((bid) => bid + STEP)));
}

/** Rounds up, so that a bid of exactly what the search shows gets the slice. */
function upToDigits(perHour: number): number {
  const noise = 1e-6;
  return Math.ceil(perHour * 10_000 - noise) / 10_000;
}

/** Can this contract get or keep its GPUs now? */
export function mayRun(contracts: Contracts, contract: Contract): boolean {
  const { offer, bid } = contract;
  if (takenOnDemand(contracts, offer, contract)) return false;
  return bid === null || bid >= minBid(contracts, offer, contract);
}

/** Does this contract start by itself once its GPUs are free? */
export function waits({ state, down }: Contract): boolean {
  return state === "queued" || (state === "stopped" && (down === "outbid" || down === "unavailable"));
}
