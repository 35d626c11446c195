import { remote, type types } from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import type { VastInstance } from "../vast/instance/instance.ts";

/** How to reach the machine, and the resources on which a step depends. */
export interface StepHost {
  readonly connection: types.input.remote.ConnectionArgs;
  readonly instance: VastInstance;
}

/**
 * One remote step: an idempotent script, run again whenever it, the connection or the machine changes (another machine,
 * or one started again, may have the same address and host key). The script goes in by standard input and stays secret.
 * A delete does not undo it, because the machine goes.
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
