import type { GpuModel } from "./gpus.ts";

/** A host's machine. Prices are the host's and may move; the rest stays. */
export interface Machine {
  readonly id: number;
  readonly hostId: number;
  readonly gpu: GpuModel;
  /** How many GPUs it has. */
  readonly gpus: number;
  readonly place: string;
  readonly reliability: number;
  readonly verification: "verified" | "unverified" | "deverified";
  readonly datacenter: boolean;
  /** Offers virtual machines beside containers. */
  readonly vms: boolean;
  readonly diskGb: number;
  /** $/GB/month. */
  readonly storageCost: number;
  /** Mbps. */
  readonly down: number;
  readonly up: number;
  /** $/GB. */
  readonly trafficCost: number;
  readonly directPorts: number;
  readonly staticIp: boolean;
  /** Whether the address ends in a line feed, as Vast's answers have it for some hosts. */
  readonly untidyAddress: boolean;
  readonly cuda: number;
  readonly driver: string;
  readonly cpuName: string;
  readonly cores: number;
  readonly ramMb: number;
  /** Milliseconds since 1970: first and last moment of a rental. */
  readonly startAt: number;
  endAt: number;
  /** Multiplies every price of this machine; 1 at first. */
  priceFactor: number;
  readonly asks: readonly Ask[];
}

/** A slice of a machine that can be rented. Wire: offer, ask, bundle. */
export interface Ask {
  /** Changes: `Market.renumber` gives the ask another id. */
  id: number;
  readonly bundleId: number;
  /** Index of its first GPU in the machine. */
  readonly firstGpu: number;
  readonly gpus: number;
  /** $/h for the slice, on demand. */
  readonly basePrice: number;
  /** $/h for the slice: the lowest bid that the host takes. */
  readonly baseFloor: number;
  /** Another tenant of the market, whom we cannot see. */
  tenant: Tenant | undefined;
}

/** on-demand = the slice cannot be rented; a bid = it can, for more than that. */
export type Tenant = { readonly kind: "on-demand" } | { readonly kind: "bid"; readonly perHour: number };

/** An ask together with its machine. */
export interface Offer {
  readonly ask: Ask;
  readonly machine: Machine;
}

export function onDemandPrice({ ask, machine }: Offer): number {
  return ask.basePrice * machine.priceFactor;
}

/** $/h that a bid must reach when nobody holds the slice. */
export function floorPrice({ ask, machine }: Offer): number {
  return ask.baseFloor * machine.priceFactor;
}

/** $/h for so many GB; Vast's month has 30 days. */
export function diskPrice(machine: Machine, gigabytes: number): number {
  return (gigabytes * machine.storageCost) / 720;
}

/** Do two slices of one machine want the same GPU? */
export function overlap(one: Ask, other: Ask): boolean {
  return one.firstGpu < other.firstGpu + other.gpus && other.firstGpu < one.firstGpu + one.gpus;
}
