import type * as pulumi from "@pulumi/pulumi";
import { DynamicResource } from "../pulumi/resource.ts";
import type { FoundImage } from "../registry/access.ts";
import type { BuilderLimits } from "./build/builder.ts";
import type { ImageTerms } from "./build/state.ts";

export interface TrainingImageArgs extends ImageTerms {
  /** What the registry says of `image` now; null = it cannot be asked, or the image is built. */
  readonly found: FoundImage | null;
  /** With `remote`. Its label is in the state before anything is rented under it. */
  readonly builder: BuilderLimits & { readonly label: pulumi.Input<string> };
  readonly commit: pulumi.Input<string>;
}

/**
 * The image to rent with, by its digest.
 *
 * As it is: taken when the text of `image` changes, and kept otherwise, so that a tag that moves never replaces a running
 * machine. Built: made when what the dependencies are made from changes and the registry has no image of just that yet.
 * What it makes outlives it: deleting it deletes nothing, and needs no Docker engine.
 */
export class TrainingImage extends DynamicResource {
  /** name@sha256:…; the text of `image` while the registry could not be asked. */
  declare readonly pinned: pulumi.Output<string>;
  /** Of the pull; null = not known. */
  declare readonly compressedBytes: pulumi.Output<number | null>;
  /** A machine needs a login to pull it. */
  declare readonly isPrivate: pulumi.Output<boolean>;

  constructor(name: string, args: TrainingImageArgs, opts?: pulumi.CustomResourceOptions) {
    const outputs = { pinned: undefined, compressedBytes: undefined, isPrivate: undefined };
    super("image", name, { ...args, ...outputs }, opts);
  }
}
