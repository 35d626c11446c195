import { randomBytes } from "node:crypto";
import { Meter } from "../ledger.ts";
import { type Offer, onDemandPrice } from "../market/machine.ts";
import type { World } from "../world.ts";
import type { Contract, Order } from "./contract.ts";

export interface Rental {
  readonly label: string | null;
  /** $/h; null = on demand. */
  readonly bid: number | null;
}

/** A new contract, in nobody's hands yet: the caller boots or shelves it. */
export function newContract(world: World, offer: Offer, order: Order, { label, bid }: Rental): Contract {
  const now = world.clock.now();
  const contract: Contract = {
    id: world.contracts.nextId(),
    offer,
    order,
    apiKey: randomBytes(32).toString("hex"),
    createdAt: now,
    endAt: offer.machine.endAt,
    onDemandPerHour: onDemandPrice(offer),
    meter: new Meter(now),
    label,
    bid,
    state: "provisioning",
    down: undefined,
    statusMsg: null,
    visibleAt: now,
    listedAt: now,
    portsPublished: false,
    keys: world.account.keys.map(({ id, publicKey }) => ({ id, publicKey })),
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
  world.contracts.add(contract);
  return contract;
}
