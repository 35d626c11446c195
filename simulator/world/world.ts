import type { Clock } from "../base/clock.ts";
import { Holds } from "../base/holds.ts";
import { type BillingLedger, ledgerOf } from "../base/ledger.ts";
import { Gates } from "../base/pacing.ts";
import { type Random, seeded } from "../base/random.ts";
import { type LoggedRequest, requestLine } from "../base/requests.ts";
import type { Timings } from "../base/timings.ts";
import { type Contract, isGone, ledgerLine } from "../contracts/contract.ts";
import { Contracts } from "../contracts/contracts.ts";
import { Life } from "../contracts/life.ts";
import { FaultBook } from "../faults/book.ts";
import type { Fault } from "../faults/fault.ts";
import type { Hosts } from "../hosts/types.ts";
import { Market } from "../market/market.ts";
import type { Blobs } from "../stores/blobs.ts";
import { type Account, KeyIds, openAccount } from "./account.ts";
import type { AuditEntry } from "./audit.ts";
import { Schedule } from "./schedule.ts";

/** Everything the simulator knows. Routes read and change it; it knows nothing of HTTP. */
export interface World {
  readonly clock: Clock;
  readonly timings: Timings;
  readonly random: Random;
  readonly market: Market;
  readonly contracts: Contracts;
  readonly life: Life;
  readonly hosts: Hosts;
  readonly account: Account;
  readonly keyIds: KeyIds;
  readonly faults: FaultBook;
  readonly requests: LoggedRequest[];
  /** Every call that may change something, the first one first. */
  readonly audit: AuditEntry[];
  readonly schedule: Schedule;
  readonly holds: Holds;
  readonly blobs: Blobs;
  /** Absent = calls are not paced. */
  readonly gates: Gates | undefined;
  readonly log: (line: string) => void;
  /** Where the API is served; known once the server listens. */
  url: string;
}

export interface WorldOptions {
  readonly clock: Clock;
  readonly timings: Timings;
  readonly seed: number;
  /** How many times as many machines as usual there are to rent. */
  readonly market: number;
  readonly hosts: Hosts;
  readonly apiKey: string;
  readonly unknownKeyStatus: 401 | 404;
  readonly pace: boolean;
  readonly log: (line: string) => void;
  /** What a fault of kind "run" does to a machine. */
  readonly mishap: (world: World, contract: Contract, fault: Fault) => void;
  /** Throws when a fault can never occur. */
  readonly checkFault: (fault: Fault) => Fault;
  readonly blobs: Blobs;
}

export function makeWorld(options: WorldOptions): World {
  const { clock, timings, seed, hosts, log } = options;
  const contracts = new Contracts(clock.now());
  const faults = new FaultBook(options.checkFault);
  const random = seeded(seed ^ 0x51ab);
  const mishap = (contract: Contract, fault: Fault) => options.mishap(world, contract, fault);
  const life = new Life({ clock, timings, random, hosts, contracts, faults, log, mishap }, () => world.url);
  const audit: AuditEntry[] = [];
  const world: World = {
    clock,
    timings,
    random,
    market: new Market(seed, clock.now(), options.market),
    contracts,
    life,
    audit,
    schedule: new Schedule({ clock, contracts, life, audit, log }),
    hosts,
    account: openAccount(options.apiKey, options.unknownKeyStatus),
    keyIds: new KeyIds(),
    faults,
    requests: [],
    holds: new Holds(),
    blobs: options.blobs,
    gates: options.pace ? new Gates() : undefined,
    log,
    url: "",
  };
  return world;
}

export function ledger({ contracts, clock }: World): BillingLedger {
  return ledgerOf(contracts.all().map((contract) => ledgerLine(contract, clock.now())));
}

/** The account's remaining credit, dollars. */
export function credit(world: World): number {
  return world.account.paidIn - ledger(world).total;
}

/** Stops every machine when no credit is left, as Vast does. */
export function stopWhenBroke(world: World): void {
  if (credit(world) > 0) return;
  for (const contract of world.contracts.living()) world.life.stopForCredit(contract);
}

export function record(world: World, request: LoggedRequest): void {
  world.requests.push(request);
  world.log(requestLine(request));
}

/** The instance, if the API shows it: not yet just after the rental, no longer after its end. */
export function visibleInstance({ contracts, clock }: World, id: number): Contract | undefined {
  const contract = contracts.get(id);
  if (contract === undefined || isGone(contract) || clock.now() < contract.visibleAt) return undefined;
  return contract;
}
