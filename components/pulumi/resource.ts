import * as pulumi from "@pulumi/pulumi";
import type { z } from "zod";
import { type Address, typeOf } from "./addresses.ts";
import { stub } from "./stub.ts";

/** A dynamic resource, whose provider is the file behind `address`. */
export abstract class DynamicResource extends pulumi.CustomResource {
  /** @param props inputs, and `undefined` for each output; its own URN is added, the row on which progress is shown */
  constructor(address: Address, name: string, props: object, opts: pulumi.CustomResourceOptions = {}) {
    const urn = detached(pulumi.createUrn(name, typeOf(address), opts.parent));
    super(typeOf(address), name, { ...props, __urn: urn, __provider: stub(address) }, opts);
  }
}

/** These values as a program gives them: each may be an output of another resource. */
export type Inputs<Values> = { readonly [Key in keyof Values]: pulumi.Input<Values[Key]> };
type Outputs<Values> = { readonly [Key in keyof Values]: pulumi.Output<Values[Key]> };
type With<Values> = abstract new (
  ...args: ConstructorParameters<typeof DynamicResource>
) => DynamicResource & Outputs<Values>;

/** A resource of ours that has these outputs. */
export function resourceWith<Values extends object>(): With<Values> {
  return DynamicResource as unknown as With<Values>;
}

/** Every output as undefined: Pulumi makes a property for each name it is given. */
export function unknown(outputs: z.ZodObject): Readonly<Record<string, undefined>> {
  return Object.fromEntries(outputs.keyof().options.map((name) => [name, undefined]));
}

/**
 * The value of an output, as an input without a dependency. A resource's own URN must be given so: as an Output it
 * depends on the parent component, so on all its children, and so on the resource itself, for ever.
 */
function detached<T>(output: pulumi.Output<T>): Promise<T> {
  return new Promise((resolve) => void output.apply((value) => resolve(value as T)));
}
