import * as pulumi from "@pulumi/pulumi";
import { DynamicResource } from "../pulumi/resource.ts";
import { type ApiTarget, targetOf } from "../vast/client/api.ts";
import type { VastInstance } from "../vast/instance/instance.ts";

/** How long Vast lets an instance run, even if nobody here is left to stop it. */
export interface LeaseTerms extends ApiTarget {
  /** Hours until Vast stops it, renewed by each `pulumi up`; null = Vast never does. */
  readonly leaseHours: number | null;
  /** Limit of training, hours: no lease ends later than an hour after it. */
  readonly maxHours: number;
}

export interface LeaseInputs extends LeaseTerms {
  readonly instanceId: string;
  /** A new time means that the machine was started again. */
  readonly startedAt: string;
}

/**
 * Keeps an instance that was rented provisionally: removes the job with which Vast would delete it, after adding one
 * that stops it where `leaseHours` says so. Comes before training, and fails when the instance might still be
 * deleted. Its delete does nothing: the job goes with the instance.
 */
export class VastLease extends DynamicResource {
  /** ISO time at which Vast stops the instance, a full hour; "" = never. */
  declare readonly endsAt: pulumi.Output<string>;

  constructor(
    name: string,
    args: LeaseTerms & { readonly instance: VastInstance },
    opts: pulumi.CustomResourceOptions = {},
  ) {
    const { instance, leaseHours, maxHours } = args;
    const { id: instanceId, startedAt } = instance;
    const props = { ...targetOf(args), leaseHours, maxHours, instanceId, startedAt, endsAt: undefined };
    const order = { dependsOn: [instance], replaceWith: [instance] };
    super("lease", name, props, pulumi.mergeOptions(opts, order));
  }
}
