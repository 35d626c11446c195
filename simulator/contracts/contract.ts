import type { Cost, LedgerLine, Meter, MeteredCost } from "../base/ledger.ts";
import { rounded } from "../base/random.ts";
import type { Host, Traffic } from "../hosts/types.ts";
import { diskPrice, type Offer } from "../market/machine.ts";
import type { BootPlan } from "./boot-plan.ts";
import { factsOf, type State } from "./state.ts";

/** What was ordered. */
export interface Order {
  readonly image: string;
  /** `-u USER -p PASSWORD REGISTRY` */
  readonly imageLogin?: string;
  readonly diskGb: number;
  readonly env: Readonly<Record<string, string>>;
  readonly onstart: string | null;
  readonly runtype: string;
  readonly args: readonly string[];
  readonly vm: boolean;
}

export interface InstanceKey {
  readonly id: number;
  readonly publicKey: string;
}

/** Why a contract is down: decides whether it comes back by itself. */
export type DownReason = "asked" | "outbid" | "unavailable" | "host" | "credit" | "expired";

/** A bid in the market's list. */
export interface Listing {
  /** $/h; null = no longer listed. */
  readonly bid: number | null;
  /** Milliseconds since 1970. */
  readonly from: number;
}

/** A rented slice: what Vast's users call an instance. */
export interface Contract {
  readonly id: number;
  readonly offer: Offer;
  /** Id of the offer at the rental; the market gives the offer a new one afterwards. */
  readonly offerId: number;
  readonly order: Order;
  /** Opens the API for this one instance. */
  readonly apiKey: string;
  /** Milliseconds since 1970. */
  readonly createdAt: number;
  endAt: number;
  onDemandPerHour: number;
  readonly meter: Meter;
  label: string | null;
  /** $/h; null = rented on demand. */
  bid: number | null;
  /** How the market lists its bid, and from when. */
  readonly listings: Listing[];
  state: State;
  down: DownReason | undefined;
  statusMsg: string | null;
  /** When GET, and when the list, begins to show it. */
  visibleAt: number;
  listedAt: number;
  /** GET and the list show `ports`. */
  portsPublished: boolean;
  keys: InstanceKey[];
  /** Its machine; undefined until one was asked for. */
  host: Promise<Host> | undefined;
  /** Where that machine answers. */
  endpoints: { readonly direct: number; readonly proxy: number } | undefined;
  /** Of every machine that it has had. */
  readonly traffic: Traffic[];
  /** Settles when all work on the machine so far is done; more is chained to it. */
  work: Promise<void>;
  plan: BootPlan;
  destroyedAt: number | null;
  /** Seconds that its destruction takes, when a fault says so. */
  destroySeconds: number | undefined;
  /** The same for a stop. */
  stopSeconds: number | undefined;
  /** The host daemon's log. */
  readonly daemonLog: string[];
  /** Number of its present errand, so that a step of an earlier one sees that it is outdated. */
  errand: number;
  /** Functions that cancel what is scheduled. */
  readonly alarms: Set<() => void>;
}

export function moveTo(contract: Contract, state: State, now: number): void {
  contract.state = state;
  if (state !== "running") contract.portsPublished = false;
  bill(contract, now);
}

/** Brings the meter up to date with the state and the price. */
export function bill(contract: Contract, now: number): void {
  const { gpuBilled, diskBilled } = factsOf(contract.state);
  const { gpu, disk } = ratesWhenRunning(contract);
  contract.meter.set({ gpu: gpuBilled ? gpu : 0, disk: diskBilled ? disk : 0 }, now);
}

export function ratesWhenRunning(contract: Contract): { gpu: number; disk: number } {
  return {
    gpu: contract.bid ?? contract.onDemandPerHour,
    disk: diskPrice(contract.offer.machine, contract.order.diskGb),
  };
}

export function isGone(contract: Contract): boolean {
  return contract.state === "gone";
}

export function ledgerLine(contract: Contract, now: number): LedgerLine {
  const { ask, machine } = contract.offer;
  const { gpu, disk } = contract.meter.rates;
  return {
    id: contract.id,
    label: contract.label,
    machineId: machine.id,
    offerId: contract.offerId,
    gpuName: machine.gpu.name,
    gpus: ask.gpus,
    isBid: contract.bid !== null,
    bidPerHour: contract.bid,
    state: contract.state,
    createdAt: contract.createdAt,
    destroyedAt: contract.destroyedAt,
    cost: withTraffic(contract.meter.read(now), contract),
    traffic: trafficOf(contract),
    ratePerHour: gpu + disk,
  };
}

/** GB through the ports of a contract's machines. */
export function trafficOf({ traffic }: Contract): LedgerLine["traffic"] {
  const gigabytes = (direction: "down" | "up") => traffic.reduce((sum, bytes) => sum + bytes[direction], 0) / 1e9;
  return { downGb: gigabytes("down"), upGb: gigabytes("up") };
}

function withTraffic({ gpu, disk, total }: MeteredCost, contract: Contract): Cost {
  const { downGb, upGb } = trafficOf(contract);
  const traffic = rounded((downGb + upGb) * contract.offer.machine.trafficCost, 9);
  return { gpu, disk, traffic, total: rounded(total + traffic, 9) };
}

/** Which ways to ssh the runtype opens. */
export function waysIn(order: Order): { direct: boolean; proxy: boolean } {
  const { runtype } = order;
  if (order.vm) return { direct: true, proxy: false };
  return {
    direct: runtype.includes("direc"),
    proxy: runtype.includes("proxy") || /\b(ssh|jupyter)\b/.test(runtype),
  };
}
