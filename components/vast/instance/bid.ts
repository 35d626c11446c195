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

export type VastBidInputs = Readonly<z.output<typeof bidInputs>>;
export type VastBidArgs = Inputs<VastBidInputs>;

/**
 * The bid of an interruptible instance, changed in place when the cap or the markup changes; Vast keeps the machine.
 *
 * A resource of its own, because in the preview of an update all outputs of a resource turn unknown: with the bid in the
 * instance, a new cap would seem to change everything that depends on the machine. Nothing to do for on-demand.
 */
export class VastBid extends DynamicResource {
  constructor(name: string, args: VastBidArgs, opts?: pulumi.CustomResourceOptions) {
    super("bid", name, pick(args, bidInputs.keyof().options), opts);
  }
}
