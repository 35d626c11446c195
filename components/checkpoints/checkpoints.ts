import * as pulumi from "@pulumi/pulumi";
import { DynamicResource } from "../pulumi/resource.ts";
import type { VastInstance } from "../vast/instance/instance.ts";

/** What must be home before an instance may go. */
export interface CheckpointsArgs {
  readonly instance: VastInstance;
  readonly apiUrl: string;
  readonly apiKeyFile: string;
  /** As in the stack config; "" = the key of the state directory. */
  readonly sshKeyFile: string;
  /** Folder on the machine; cannot change while the machine lives. */
  readonly from: string;
  /** Folder here, absolute; `<stack>/<instance id>` is added. */
  readonly checkpointsTo: string;
  readonly stack: string;
  /** How long training may take to save and end, seconds. */
  readonly stopGraceSeconds: number;
  /** The hash of the training whose checkpoints these are. */
  readonly training: pulumi.Input<string>;
  /** Most to pay for starting a stopped instance to fetch them, $; 0 = never. */
  readonly rescueBudget: number;
  /** How many verified predecessors of a file are kept at home. */
  readonly keepPrevious: number;
  /** How long one step on the machine may take. */
  readonly stepMaxMinutes: number;
}

/**
 * The gate between training and the release of its instance: its delete stops training, brings the checkpoints home and
 * verifies them, and throws when it cannot, which keeps the instance.
 *
 * The engine replaces an instance by deleting it first and only then turning to what depends on it, so a gate with a
 * plain dependsOn would never run; replaceWith puts it in front. It must never be deletedWith the instance.
 */
export class Checkpoints extends DynamicResource {
  /** Folder here in which this instance's checkpoints come home. */
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
