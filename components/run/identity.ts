import type * as pulumi from "@pulumi/pulumi";
import { z } from "zod";
import type { GateTerms } from "../checkpoints/gate.ts";
import { pick } from "../lib/values.ts";
import { DynamicResource, type Inputs } from "../pulumi/resource.ts";
import { apiTarget } from "../vast/client/api.ts";

/** Whose run it is, and where. */
export const identityInputs = z.object({
  ...apiTarget.shape,
  /** Id of the state directory that rents; the label keeps that of the first one. */
  owner: z.string(),
  project: z.string(),
  stack: z.string(),
  /** Name of the run within the stack. */
  run: z.string(),
  /** A rental under it serves one command; when that was killed, the next command releases it. */
  singleUse: z.boolean(),
  /** How to fetch checkpoints from a machine that is in no state; null = it must hold nothing, or is kept. */
  gate: z.custom<GateTerms>().nullable(),
});

export type RunIdentityInputs = Readonly<z.output<typeof identityInputs>>;
export type RunIdentityArgs = Inputs<RunIdentityInputs>;

/**
 * The label under which a run rents: `vt-<owner>-<project>-<stack>-<run>-<nonce>`, at most 60 characters, made once.
 *
 * It is in the state before any money is spent, because the label is the only mark of ownership that Vast keeps. When
 * Pulumi is killed between a rental and its answer, it never asks anyone about that instance again; so the delete of this
 * resource, which comes last in a destroy, releases every living instance with exactly this label. Each passes the gate
 * first, unless it provably never ran a training of ours. It fails when one is kept, and when it cannot see the whole list.
 */
export class RunIdentity extends DynamicResource {
  declare readonly label: pulumi.Output<string>;

  constructor(name: string, args: RunIdentityArgs, opts?: pulumi.CustomResourceOptions) {
    super("identity", name, { ...pick(args, identityInputs.keyof().options), label: undefined }, opts);
  }
}
