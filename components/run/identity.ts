import type * as pulumi from "@pulumi/pulumi";
import type { GateTerms } from "../checkpoints/open-gate.ts";
import { DynamicResource } from "../pulumi/resource.ts";

type In<T> = { readonly [Key in keyof T]: pulumi.Input<T[Key]> };

/** Whose run it is, and where. */
export interface RunIdentityInputs {
  /** "" = https://console.vast.ai, "simulator" = the running simulator, or a URL. */
  readonly apiUrl: string;
  /** Path of a file that holds the API key; "" = where the official client keeps it. */
  readonly apiKeyFile: string;
  /** Id of the state directory that rents; the label keeps the first. */
  readonly owner: string;
  readonly project: string;
  readonly stack: string;
  /** Name of the run within the stack. */
  readonly run: string;
  /** What is rented under it serves one command, and is released by the next one when that command was killed. */
  readonly singleUse: boolean;
  /** What brings home what is on a machine that no state has; null = such a machine must hold nothing, or is kept. */
  readonly gate: GateTerms | null;
}

export type RunIdentityArgs = In<RunIdentityInputs>;

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
    const { apiUrl, apiKeyFile, owner, project, stack, run, singleUse, gate } = args;
    const props = { apiUrl, apiKeyFile, owner, project, stack, run, singleUse, gate, label: undefined };
    super("identity", name, props, opts);
  }
}
