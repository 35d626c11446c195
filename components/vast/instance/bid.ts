import type * as pulumi from "@pulumi/pulumi";
import { DynamicResource } from "../../pulumi/resource.ts";
import type { Rental } from "../market/criteria.ts";

type In<T> = { readonly [Key in keyof T]: pulumi.Input<T[Key]> };

/** What the bid follows from. */
export interface VastBidInputs {
  /** Id of the instance (its `id`, which stays known in previews). */
  readonly instanceId: string;
  /** "" = https://console.vast.ai, "simulator" = the running simulator, or a URL. */
  readonly apiUrl: string;
  /** Path of a file that holds the API key; "" = where the official client keeps it. */
  readonly apiKeyFile: string;
  readonly rental: Rental;
  /** $/h of the whole instance, disk included. */
  readonly maxPricePerHour: number;
  /** How far above the minimum bid to bid: 0.2 = 20 %. */
  readonly bidMarkup: number;
}

export type VastBidArgs = In<VastBidInputs>;

/**
 * The bid of an interruptible instance, changed in place when the cap or the markup changes; Vast keeps the machine.
 *
 * A resource of its own, because in the preview of an update all outputs of a resource turn unknown: with the bid in the
 * instance, a new cap would seem to change everything that depends on the machine. Nothing to do for on-demand.
 */
export class VastBid extends DynamicResource {
  constructor(name: string, args: VastBidArgs, opts?: pulumi.CustomResourceOptions) {
    const { instanceId, apiUrl, apiKeyFile, rental, maxPricePerHour, bidMarkup } = args;
    const props = { instanceId, apiUrl, apiKeyFile, rental, maxPricePerHour, bidMarkup };
    super("bid", name, props, opts);
  }
}
