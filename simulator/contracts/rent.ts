import { randomBytes } from "node:crypto";
import type { Clock } from "../base/clock.ts";
import { Meter } from "../base/ledger.ts";
import { type Offer, onDemandPrice } from "../market/machine.ts";
import type { Contract, InstanceKey, Order } from "./contract.ts";
import type { Contracts } from "./contracts.ts";

export interface Rental {
  readonly label: string | null;
  /** $/h; null = on demand. */
  readonly bid: number | null;
}

/** Where a contract is made. */
export interface Place {
  readonly clock: Pick<Clock, "now">;
  readonly contracts: Contracts;
  /** The instance gets all of its keys. */
  readonly account: { readonly keys: readonly InstanceKey[] };
}

/** A new contract that nothing drives yet: the caller boots or shelves it. */
export function newContract(
  { clock, contracts, account }: Place,
  offer: Offer,
  order: Order,
  { label, bid }: Rental,
): Contract {
  const now = clock.now();
  const contract: Contract = {
    id: contracts.nextId(),
    offer,
    offerId: offer.ask.id,
    order,
    apiKey: randomBytes(32).toString("hex"),
    createdAt: now,
    endAt: offer.machine.endAt,
    onDemandPerHour: onDemandPrice(offer),
    meter: new Meter(now),
    label,
    bid,
    listings: [],
    state: "provisioning",
    down: undefined,
    statusMsg: null,
    visibleAt: now,
    listedAt: now,
    portsPublished: false,
    keys: account.keys.map(({ id, publicKey }) => ({ id, publicKey })),
    host: undefined,
    endpoints: undefined,
    traffic: [],
    work: Promise.resolve(),
    plan: {},
    destroyedAt: null,
    destroySeconds: undefined,
    stopSeconds: undefined,
    daemonLog: [],
    errand: 0,
    alarms: new Set(),
  };
  contracts.add(contract);
  return contract;
}
