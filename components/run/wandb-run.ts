import type * as pulumi from "@pulumi/pulumi";
import { DynamicResource } from "../pulumi/resource.ts";

/** What is logged as one run at Weights & Biases. */
export interface WandbRunArgs {
  /** As in the stack config. */
  readonly repo: string;
  readonly branch: string;
  /** Free text; a new one starts a new run at Weights & Biases too. */
  readonly run: string;
}

/**
 * The id of a run at Weights & Biases: kept while `repo`, `branch` and `run` are, so that a training that was moved,
 * resumed or restarted goes on in the same graph. It depends on no machine and outlives them all.
 */
export class WandbRun extends DynamicResource {
  declare readonly runId: pulumi.Output<string>;

  constructor(name: string, args: WandbRunArgs, opts?: pulumi.CustomResourceOptions) {
    super("wandb-run", name, { ...args, runId: undefined }, opts);
  }
}
