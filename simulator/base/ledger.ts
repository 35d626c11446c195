import { rounded } from "./random.ts";

/** Dollars that add up with time. */
export interface MeteredCost {
  readonly gpu: number;
  readonly disk: number;
  readonly total: number;
}

/**
 * Dollars. Traffic is what went through a machine's ssh ports. Other traffic is not billed: a machine's downloads go
 * through this computer's network and are not measured, and whether Vast counts the pull of an image is not published.
 */
export interface Cost extends MeteredCost {
  readonly traffic: number;
}

/** $/h. */
export interface Rates {
  readonly gpu: number;
  readonly disk: number;
}

const MS_PER_HOUR = 3_600_000;

/** Adds up the cost of one contract while its rates change, to the millisecond. */
export class Meter {
  #cost = { gpu: 0, disk: 0 };
  #rates: Rates = { gpu: 0, disk: 0 };
  #since: number;

  constructor(now: number) {
    this.#since = now;
  }

  /** From now on these rates hold. */
  set(rates: Rates, now: number): void {
    this.#cost = this.#upTo(now);
    this.#since = now;
    this.#rates = rates;
  }

  /** If the GPUs are billed now, bills them for so many hours more than they are held. */
  addGpu(hours: number): void {
    this.#cost = { ...this.#cost, gpu: this.#cost.gpu + hours * this.#rates.gpu };
  }

  read(now: number): MeteredCost {
    const { gpu, disk } = this.#upTo(now);
    return { gpu: money(gpu), disk: money(disk), total: money(gpu + disk) };
  }

  /** $/h at this moment. */
  get rates(): Rates {
    return this.#rates;
  }

  #upTo(now: number): { gpu: number; disk: number } {
    const hours = (now - this.#since) / MS_PER_HOUR;
    return { gpu: this.#cost.gpu + hours * this.#rates.gpu, disk: this.#cost.disk + hours * this.#rates.disk };
  }
}

/** One contract's line, and the whole bill, as `GET /_sim/ledger` answers them. */
export interface LedgerLine {
  readonly id: number;
  readonly label: string | null;
  readonly machineId: number;
  readonly offerId: number;
  readonly gpuName: string;
  readonly gpus: number;
  readonly isBid: boolean;
  readonly bidPerHour: number | null;
  readonly state: string;
  /** Milliseconds since 1970. */
  readonly createdAt: number;
  readonly destroyedAt: number | null;
  readonly cost: Cost;
  readonly traffic: { readonly downGb: number; readonly upGb: number };
  /** $/h at this moment. */
  readonly ratePerHour: number;
}

export interface BillingLedger {
  readonly contracts: readonly LedgerLine[];
  /** Dollars, all contracts together. */
  readonly total: number;
  /** Contracts that are not gone. */
  readonly living: number;
  /** $/h, all together at this moment. */
  readonly ratePerHour: number;
}

export function ledgerOf(contracts: readonly LedgerLine[]): BillingLedger {
  const sum = (amount: (line: LedgerLine) => number) => money(contracts.reduce((all, line) => all + amount(line), 0));
  return {
    contracts,
    total: sum(({ cost }) => cost.total),
    living: contracts.filter(({ destroyedAt }) => destroyedAt === null).length,
    ratePerHour: sum(({ ratePerHour }) => ratePerHour),
  };
}

/** Nine digits, so that even a second of the cheapest disk shows. */
function money(dollars: number): number {
  return rounded(dollars, 9);
}
