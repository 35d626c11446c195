import * as pulumi from "@pulumi/pulumi";
import { DynamicResource } from "../pulumi/resource.ts";
import { type ApiTarget, targetOf } from "../vast/client/api.ts";
import type { VastInstance } from "../vast/instance/instance.ts";

/** Until when Vast lets an instance run, whatever becomes of us. */
export interface LeaseTerms extends ApiTarget {
  /** Hours until Vast stops it, renewed by each `pulumi up`; null = Vast never does. */
  readonly leaseHours: number | null;
  /** What training may take, hours: no lease ends later than an hour after it. */
  readonly maxHours: number;
}

export interface LeaseInputs extends LeaseTerms {
  readonly instanceId: string;
  /** Another time is another life of the machine. */
  readonly startedAt: string;
}

/**
 * Keeps an instance that was rented provisionally: the job with which Vast would delete it is taken away, and one that stops
 * it takes its place where `leaseHours` says so. Stands before the first step, and fails when the instance might still be
 * deleted. Nothing is left to do at its delete: the job that stops goes with the instance.
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
