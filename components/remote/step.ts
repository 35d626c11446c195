import { remote, type types } from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";

/** How to reach the machine, and on whose existence a step depends. */
export interface StepHost {
  readonly connection: types.input.remote.ConnectionArgs;
  readonly instance: pulumi.Resource;
}

/**
 * One remote step: a script that makes it so, run again whenever it or the connection changes. It goes in by standard
 * input and stays secret; it is not undone, because the machine goes.
 */
export class RemoteStep extends remote.Command {
  constructor(name: string, host: StepHost, script: pulumi.Input<string>, opts: pulumi.CustomResourceOptions) {
    const args = {
      connection: host.connection,
      create: "bash -s",
      stdin: pulumi.secret(script),
      addPreviousOutputInEnv: false,
    };
    super(name, args, { ...opts, deletedWith: host.instance });
  }
}
