import { perHour } from "../../lib/money.ts";
import { printable } from "../../lib/text.ts";
import type { Instance } from "../client/wire.ts";
import type { GpuReport } from "./means.ts";

/** What was asked for, and can be proven. */
export interface Wanted {
  /** In Vast's spelling; null = not known. */
  readonly gpu: string | null;
  readonly gpus: number;
  readonly interruptible: boolean;
  /** Cap, $/h with disk. */
  readonly maxPricePerHour: number;
  readonly diskGb: number;
}

export interface Flaw {
  /**
   * "terms" = not the terms of the offer: one offer may be wrong, two are not. "host" = not the machine that was
   * offered.
   */
  readonly cause: "terms" | "host";
  readonly text: string;
}

const CENT_FRACTION = 0.0005;
/** Hosts give a little less than they say. */
const DISK_SHARE = 0.98;

/**
 * What is wrong with an instance that was rented; undefined = nothing.
 *
 * @param complete a missing value counts as wrong; before an instance is up, Vast may not say everything
 */
export function flawOf(instance: Instance, wanted: Wanted, complete: boolean): Flaw | undefined {
  const { isBid, totalPerHour, gpu, gpus, diskGb } = instance;
  const missing = (value: unknown) => complete && value === null;
  if (missing(isBid) || (isBid !== null && isBid !== wanted.interruptible)) {
    return terms(
      `it is ${isBid === null ? "of unknown kind" : kind(isBid)}, and ${kind(wanted.interruptible)} was asked for`,
    );
  }
  if (missing(totalPerHour) || (totalPerHour ?? 0) > wanted.maxPricePerHour + CENT_FRACTION) {
    const price = totalPerHour === null ? "an unknown price" : perHour(totalPerHour);
    return terms(`it costs ${price}, and ${perHour(wanted.maxPricePerHour)} is the most to pay`);
  }
  if (missing(gpus) || (gpus !== null && gpus !== wanted.gpus))
    return host(`it has ${gpus ?? "an unknown number of"} GPUs, not ${wanted.gpus}`);
  if (gpu !== null && wanted.gpu !== null && gpu !== wanted.gpu) return host(`it has ${gpu}, not ${wanted.gpu}`);
  if (diskGb !== null && diskGb < wanted.diskGb * DISK_SHARE)
    return host(`it has ${diskGb} GB of disk, not ${wanted.diskGb}`);
  return undefined;
}

/** GPUs that were rented and the machine does not find: fallen off the bus, or a broken driver. */
export function gpuFlawOf({ gpus, said }: GpuReport, wanted: Pick<Wanted, "gpus">): Flaw | undefined {
  if (gpus >= wanted.gpus) return undefined;
  const words = printable(said, 200);
  return host(`nvidia-smi finds ${gpus} of its ${wanted.gpus} GPUs${words === "" ? "" : `: ${words}`}`);
}

function kind(isBid: boolean): string {
  return isBid ? "interruptible" : "on demand";
}

function terms(text: string): Flaw {
  return { cause: "terms", text };
}

function host(text: string): Flaw {
  return { cause: "host", text };
}
