import { createHash } from "node:crypto";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join, relative } from "node:path";
import type { BillingLedger } from "../lib/simulator.ts";

/** The losses that training printed, in order. */
export function lossesIn(lines: readonly string[]): number[] {
  return lines.flatMap((line) => {
    const found = /\bloss[ =:]+(\d+(?:\.\d+)?)/.exec(line);
    return found ? [Number(found[1])] : [];
  });
}

export interface HomeFile {
  readonly name: string;
  readonly bytes: number;
  readonly sha256: string;
}

/** Every file below a folder, by name. */
export function filesIn(folder: string): HomeFile[] {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const paths = entries.map((entry) => join(entry.parentPath, entry.name)).sort();
  return paths.map((path) => ({
    name: relative(folder, path),
    bytes: statSync(path).size,
    sha256: createHash("sha256").update(readFileSync(path)).digest("hex"),
  }));
}

/** The bill as a small table. */
export function billTable(ledger: BillingLedger): string[] {
  const rows = ledger.contracts.map((contract) => {
    const what = `${contract.gpus}x ${contract.gpuName}, ${contract.isBid ? "interruptible" : "on-demand"}`;
    return `instance ${contract.id}  ${what}  ${dollars(contract.cost.total)}  ${contract.state}`;
  });
  return [
    ...rows,
    `total ${dollars(ledger.total)}; running now: ${ledger.living}; per hour now: ${dollars(ledger.ratePerHour)}`,
  ];
}

/** Seconds of a GPU cost fractions of a cent. */
function dollars(amount: number): string {
  return `$${amount.toFixed(4)}`;
}
