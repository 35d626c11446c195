import * as pulumi from "@pulumi/pulumi";
import { DynamicResource } from "../pulumi/resource.ts";
import type { ApiTarget } from "../vast/client/api.ts";
import type { VastInstance } from "../vast/instance/instance.ts";
import type { GateTerms } from "./gate.ts";

/** What must be home before an instance may go. */
export interface CheckpointsArgs extends ApiTarget, GateTerms {
  readonly instance: VastInstance;
  /** The hash of the training whose checkpoints these are. */
  readonly training: pulumi.Input<string>;
}

/**
 * The gate between training and the release of its instance: its delete stops training, brings the checkpoints home and
 * verifies them, and throws when it cannot, which keeps the instance.
 *
 * The engine replaces an instance by deleting it first and only then turning to what depends on it, so a gate with a
 * plain dependsOn would never run; replaceWith puts it in front. It must never be deletedWith the instance.
 */
export class Checkpoints extends DynamicResource {
  /** Local folder of this instance's checkpoints. */
  declare readonly home: pulumi.Output<string>;

  constructor(name: string, args: CheckpointsArgs, opts: pulumi.CustomResourceOptions = {}) {
    const { instance, ...plain } = args;
    const order = { dependsOn: [instance], replaceWith: [instance] };
    const props = {
      ...plain,
      instanceId: instance.id,
      hostKey: instance.hostKey,
      pricePerHour: instance.rentedPerHour,
      accountId: instance.accountId,
      keyFingerprint: instance.keyFingerprint,
      home: undefined,
      mark: undefined,
    };
    super("checkpoints", name, props, pulumi.mergeOptions(opts, order));
  }
}
