import type { Whole } from "../../code/revision.ts";
import type { FoundImage } from "../../registry/access.ts";
import type { BuilderLimits, BuilderTerms } from "./builder.ts";
import type { ImagePlace } from "./place.ts";
import type { Parts } from "./plan.ts";

/**
 * never: the image as it is. local, remote: built from the code's dependencies, by the Docker engine here or on a
 * rented machine.
 */
export type ImageBuild = "never" | "local" | "remote";

/** Inputs of an image except the commit. */
export interface ImageTerms extends ImagePlace {
  readonly imageBuild: ImageBuild;
  /** What a built image starts from. */
  readonly imageBase: string;
  /** Extras and groups of the code's project, as words of uv sync. */
  readonly options: string;
  /** Of the training. */
  readonly branch: string;
  /** The code, with the further repositories that go into the image. */
  readonly code: Pick<Whole, "url" | "way" | "tokenFor" | "envFile" | "netrcFile" | "extraRepos" | "sourceDir">;
}

/** Inputs of an image, with the commit as known so far. */
export interface PlanInputs extends ImageTerms {
  readonly commit: string;
  readonly builder: BuilderLimits;
}

/** Inputs of a TrainingImage. */
export interface TrainingImageInputs extends PlanInputs {
  /** What the registry says of `image` now; null = it cannot be asked, or the image is built. */
  readonly found: FoundImage | null;
  readonly builder: BuilderTerms;
  readonly __urn: string;
}

/** The state. It keeps what the image is made from, to tell later what has changed. */
export interface ImageState extends Partial<FoundImage> {
  readonly image: string;
  /** "" = not built. */
  readonly tag: string;
  readonly parts: Parts;
}
