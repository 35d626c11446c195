import * as pulumi from "@pulumi/pulumi";
import type { z } from "zod";
import { pick } from "../../lib/values.ts";
import { type Inputs, resourceWith, unknown } from "../../pulumi/resource.ts";
import { instanceInputs } from "./instance.inputs.ts";
import { shownOutputs } from "./instance.outputs.ts";

/** As `instanceInputs` says, with its defaults. */
export type VastInstanceArgs = Inputs<z.input<typeof instanceInputs>>;

/**
 * A rented Vast instance that is ready: it runs, and a login over ssh works.
 *
 * A preview searches the market once and shows the best offer as `quote`; that offer is tried first. `gpu`, `gpus`,
 * `rental`, `diskGb`, `image`, `label` and `apiUrl` replace the instance, the old one being released before the new one
 * is rented; nothing else changes it. An instance that a refresh finds stopped is started by the next update, an outbid
 * one by a higher bid within the cap. Fails when nothing fits, when the account cannot pay an hour, and when no machine
 * gets ready in time; whatever was rented on the way is released first, or stays in the state when it cannot be.
 */
export class VastInstance extends resourceWith<z.output<typeof shownOutputs>>() {
  constructor(name: string, args: VastInstanceArgs, opts?: pulumi.CustomResourceOptions) {
    // diff asks for it too, but the engine keeps the order in every case only with the option.
    const order = { deleteBeforeReplace: true };
    // Undeclared arguments must not get into the state.
    const inputs = pick(args, instanceInputs.keyof().options);
    super("instance", name, { ...unknown(shownOutputs), ...inputs }, pulumi.mergeOptions(opts, order));
  }
}
