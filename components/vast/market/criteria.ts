import { z } from "zod";
import { boolean, decimal, matching, oneOf, pick, whole } from "../../lib/values.ts";
import { canonicalGpu } from "./gpu-name.ts";

/**
 * What an offer must meet: arguments of a VastInstance and keys of the stack config, with the descriptions and defaults
 * of both.
 */
export const criteria = z.object({
  gpu: matching(/^[\w][\w .+-]*$/, "the name of a GPU, such as H100 SXM")
    .overwrite((name) => canonicalGpu(name) ?? name)
    .default("H100 SXM")
    .describe("GPU model, in any spelling (h100_sxm is fine)"),
  gpus: whole(1, 64, "GPUs").default(1).describe("Number of GPUs in one machine"),
  rental: oneOf("interruptible", "on-demand")
    .default("interruptible")
    .describe("interruptible (a bid; can be taken away by a higher one) or on-demand"),
  maxPricePerHour: decimal(0.001, 1000, "dollars an hour").describe(
    "Most to pay, $/h for the whole instance, disk included; 3.50 x gpus when empty",
  ),
  bidMarkup: decimal(0, 10, "a fraction")
    .default(0.2)
    .describe(
      "How far above the minimum bid to bid: 0.2 is 20 %; never above the cap, always below the on-demand price",
    ),
  diskGb: whole(8, 64_000, "GB").default(150).describe("Disk, GB; billed until the machine is destroyed"),
  minReliability: decimal(0, 1, "a fraction").default(0.95).describe("Least reliability of the host, 0 to 1"),
  minDownloadMbps: decimal(0, 1e6, "Mbit/s").default(200).describe("Least download speed, Mbit/s"),
  minDurationHours: decimal(0, 1e5, "hours")
    .default(24)
    .describe("How long the machine must stay on the market, hours"),
  verified: boolean().default(true).describe("Only machines that Vast has verified"),
  maxOffers: whole(1, 64, "offers").default(5).describe("How many offers to try before giving up"),
});

type Criteria = Readonly<z.output<typeof criteria>>;

export type Rental = Criteria["rental"];

/** What we want to rent; `gpu` "" = any. */
export interface OfferCriteria extends Criteria {
  /** Only machines in a datacenter that offer virtual machines. Default false. */
  readonly virtual?: boolean;
}

const NAMES = criteria.keyof().options;

/** The criteria among the arguments of an instance. */
export function criteriaOf(inputs: Criteria): OfferCriteria {
  return pick(inputs, NAMES);
}

/** The criteria in a stack config; undefined = not all of them could be read. */
export function criteriaIn(config: Partial<Criteria>): OfferCriteria | undefined {
  return NAMES.every((name) => config[name] !== undefined) ? criteriaOf(config as Criteria) : undefined;
}
