import { remote, type types } from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";

/** How to reach the machine, and on whose existence a step depends. */
export interface StepHost {
  readonly connection: types.input.remote.ConnectionArgs;
  readonly instance: pulumi.CustomResource;
}

/**
 * One remote step: a script that makes it so, run again whenever it, the connection or the instance changes (another
 * machine may have the same address and, from its image, the same host key). It goes in by standard input and stays
 * secret; it is not undone, because the machine goes.
 */
export class RemoteStep extends remote.Command {
  constructor(name: string, host: StepHost, script: pulumi.Input<string>, opts: pulumi.CustomResourceOptions) {
    const text = pulumi.interpolate`# instance ${host.instance.id}\n${script}`;
    const args = {
      connection: host.connection,
      create: "bash -s",
      stdin: pulumi.secret(text),
      addPreviousOutputInEnv: false,
    };
    super(name, args, { ...opts, deletedWith: host.instance });
  }
}
