import type * as pulumi from "@pulumi/pulumi";
import { DynamicResource } from "../pulumi/resource.ts";
import type { FoundImage } from "../registry/access.ts";
import type { BuilderLimits } from "./build/builder.ts";
import type { ImageTerms } from "./build/state.ts";

export interface TrainingImageArgs extends ImageTerms {
  /** What the registry says of `image` now; null = it cannot be asked, or the image is built. */
  readonly found: FoundImage | null;
  /** For `remote`. Its label is in the state before anything is rented under it. */
  readonly builder: BuilderLimits & { readonly label: pulumi.Input<string> };
  readonly commit: pulumi.Input<string>;
}

/**
 * Used as it is: looked up when the text of `image` changes, and kept otherwise, so that a moving tag never replaces a
 * running machine. Built: when the inputs of the dependencies change and the registry does not have exactly that image.
 * The image outlives the resource: a delete deletes nothing, and needs no Docker engine.
 */
export class TrainingImage extends DynamicResource {
  /** name@sha256:…; the text of `image` while the registry could not be asked. */
  declare readonly pinned: pulumi.Output<string>;
  /** Size of the pull; null = not known. */
  declare readonly compressedBytes: pulumi.Output<number | null>;
  /** A machine needs a login to pull it. */
  declare readonly isPrivate: pulumi.Output<boolean>;

  constructor(name: string, args: TrainingImageArgs, opts?: pulumi.CustomResourceOptions) {
    const outputs = { pinned: undefined, compressedBytes: undefined, isPrivate: undefined };
    super("image", name, { ...args, ...outputs }, opts);
  }
}
