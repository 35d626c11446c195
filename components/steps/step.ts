import { remote, type types } from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import type { VastInstance } from "../vast/instance/instance.ts";

/** How to reach the machine, and on whose existence a step depends. */
export interface StepHost {
  readonly connection: types.input.remote.ConnectionArgs;
  readonly instance: VastInstance;
}

/**
 * One remote step: a script that makes it so, run again whenever it, the connection or the machine changes: another one,
 * or one that was started again, may have the same address and the same host key. It goes in by standard input and stays
 * secret; it is not undone, because the machine goes.
 */
export class RemoteStep extends remote.Command {
  constructor(name: string, host: StepHost, script: pulumi.Input<string>, opts: pulumi.CustomResourceOptions) {
    const { instance } = host;
    const text = pulumi.interpolate`# instance ${instance.id}, started ${instance.startedAt}\n${script}`;
    const args = {
      connection: host.connection,
      create: "bash -s",
      stdin: pulumi.secret(text),
      addPreviousOutputInEnv: false,
    };
    super(name, args, { ...opts, deletedWith: instance });
  }
}
