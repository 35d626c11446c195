export type Rental = "interruptible" | "on-demand";

/** What we want to rent. */
export interface OfferCriteria {
  /** GPU name in any spelling: "H100 SXM", "h100_sxm"; "" = any. */
  readonly gpu: string;
  readonly gpus: number;
  readonly rental: Rental;
  /** $/h of the whole instance, disk included. */
  readonly maxPricePerHour: number;
  /** How far above the minimum bid to bid: 0.2 = 20 %. Never above the cap, nor as much as on demand. */
  readonly bidMarkup: number;
  readonly diskGb: number;
  /** 0 to 1. */
  readonly minReliability: number;
  readonly minDownloadMbps: number;
  readonly minDurationHours: number;
  /** Only machines that Vast has verified. */
  readonly verified: boolean;
  /** Only machines in a datacenter that offer virtual machines. Default false. */
  readonly virtual?: boolean;
  /** How many offers to try. */
  readonly maxOffers: number;
}
