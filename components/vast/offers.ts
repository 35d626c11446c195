import type { VastClient } from "./client.ts";

export type Rental = "interruptible" | "on-demand";

/** What we want to rent. */
export interface OfferCriteria {
  /** GPU name in any spelling: "H100 SXM", "h100_sxm". */
  readonly gpu: string;
  readonly gpus: number;
  readonly rental: Rental;
  /** $/h of the whole instance, disk included. */
  readonly maxPricePerHour: number;
  /** How far above the minimum bid to bid: 0.2 = 20 %. Never above the cap. */
  readonly bidMarkup: number;
  readonly diskGb: number;
  /** 0 to 1. */
  readonly minReliability: number;
  readonly minDownloadMbps: number;
  readonly minDurationHours: number;
  /** Only machines that Vast has verified. */
  readonly verified: boolean;
  /** How many offers to try. */
  readonly maxOffers: number;
}

/** An offer that fits, with the price we would pay. */
export interface OfferChoice {
  readonly offerId: number;
  readonly machineId: number;
  readonly hostId: number | null;
  /** In Vast's spelling. */
  readonly gpu: string;
  readonly gpus: number;
  readonly rental: Rental;
  /** What to bid, $/h of the slice without disk; null when on-demand. */
  readonly bidPerHour: number | null;
  readonly minBid: number | null;
  /** The same offer on-demand, without disk; null when it cannot be had so. */
  readonly onDemandPerHour: number | null;
  readonly diskPerHour: number;
  /** What we would pay: bid or on-demand price, and disk. Never above the cap. */
  readonly totalPerHour: number;
  readonly trafficPerGb: number | null;
  readonly location: string | null;
  readonly reliability: number | null;
  readonly downloadMbps: number | null;
  /** Hours the machine stays on the market. */
  readonly durationHours: number | null;
}

/** What a preview promises. */
export interface Quote {
  readonly gpu: string;
  readonly gpus: number;
  readonly offerId: number;
  readonly machineId: number;
  readonly location: string | null;
  readonly reliability: number | null;
  readonly rental: Rental;
  readonly bidPerHour: number | null;
  readonly onDemandPerHour: number | null;
  readonly diskPerHour: number;
  readonly totalPerHour: number;
  readonly trafficPerGb: number | null;
  /** Minutes to pull the image; null while its size is unknown. */
  readonly pullMinutes: number | null;
}

/** What the market has for us. */
export interface Market {
  /** Cheapest first, one a machine, `maxOffers` at most. */
  readonly choices: readonly OfferChoice[];
  /** When nothing fits: which filter excludes how many, and the nearest offer; else "". */
  readonly excluded: string;
  /** When nothing fits: the criterion to change first; else null. */
  readonly blame: keyof OfferCriteria | null;
}

export interface MarketOptions {
  /** Machines that were tried and are not wanted again. */
  readonly skipMachines?: ReadonlySet<number>;
  /** Also look up the on-demand price beside a bid (one more call, beside the first); default true. */
  readonly onDemandPrice?: boolean;
}

/** Searches the market. Throws VastError when Vast cannot be asked; "nothing fits" is an answer. */
export declare function market(client: VastClient, criteria: OfferCriteria, options?: MarketOptions): Promise<Market>;

/** The quote of a choice. */
export declare function quoteOf(choice: OfferChoice, pullMinutes?: number | null): Quote;

/**
 * The bid for an offer whose minimum is `minBid`: markup on top, never above `room` (cap minus disk, $/h), within
 * Vast's 0.001 to 128. undefined = cannot be had within the cap.
 */
export declare function bidFor(minBid: number, markup: number, room: number): number | undefined;
