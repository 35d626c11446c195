import type * as pulumi from "@pulumi/pulumi";
import { z } from "zod";
import { pick } from "../../lib/values.ts";
import { DynamicResource, type Inputs } from "../../pulumi/resource.ts";
import { apiTarget } from "../client/api.ts";
import { criteria } from "../market/criteria.ts";

/** What the bid follows from. */
export const bidInputs = z.object({
  /** Id of the instance (its `id`, which stays known in previews). */
  instanceId: z.string(),
  ...apiTarget.shape,
  ...criteria.pick({ rental: true, maxPricePerHour: true, bidMarkup: true }).shape,
});

/** What a new bid has made of the instance's price, $/h with disk. */
export interface Moved {
  /** As the instance's outputs have it until a refresh. */
  readonly from: number;
  readonly to: number;
}

/** The price of an instance whose outputs say `recorded`: a new bid leaves those as they are. */
export function priceAfter(recorded: number, moved: Moved | null | undefined): number {
  return moved && Math.abs(moved.from - recorded) < 1e-6 ? moved.to : recorded;
}

export type VastBidInputs = Readonly<z.output<typeof bidInputs>>;
export type VastBidArgs = Inputs<VastBidInputs>;

/**
 * The bid of an interruptible instance, changed in place when the cap or the markup changes; Vast keeps the machine.
 *
 * A resource of its own, because in the preview of an update all outputs of a resource turn unknown: with the bid in the
 * instance, a new cap would seem to change everything that depends on the machine. Nothing to do for on-demand.
 */
export class VastBid extends DynamicResource {
  /** The last change of the bid; null = none. Older states lack it. */
  declare readonly moved: pulumi.Output<Moved | null | undefined>;

  constructor(name: string, args: VastBidArgs, opts?: pulumi.CustomResourceOptions) {
    super("bid", name, { ...pick(args, bidInputs.keyof().options), moved: undefined }, opts);
  }
}
