import type { Whole } from "../../code/revision.ts";
import type { FoundImage } from "../../registry/access.ts";
import type { BuilderLimits, BuilderTerms } from "./builder.ts";
import type { ImagePlace } from "./place.ts";
import type { Parts } from "./plan.ts";

/** Never: an image as it is. Local, remote: one that is made of the code's dependencies, where a Docker engine is. */
export type ImageBuild = "never" | "local" | "remote";

/** What decides about an image, whatever the commit. */
export interface ImageTerms extends ImagePlace {
  readonly imageBuild: ImageBuild;
  /** What a built image starts from. */
  readonly imageBase: string;
  /** Extras and groups of the code's project, as words of uv sync. */
  readonly options: string;
  /** Of the training. */
  readonly branch: string;
  /** With those further repositories that go into the image. */
  readonly code: Pick<Whole, "url" | "way" | "tokenFor" | "envFile" | "netrcFile" | "extraRepos" | "sourceDir">;
}

/** What decides about an image, with the commit as it is known then. */
export interface PlanInputs extends ImageTerms {
  readonly commit: string;
  readonly builder: BuilderLimits;
}

/** What is asked. */
export interface Asked extends PlanInputs {
  /** What the registry says of `image` now; null = it cannot be asked, or the image is built. */
  readonly found: FoundImage | null;
  readonly builder: BuilderTerms;
  readonly __urn: string;
}

/** The state. What the image is made from is kept to tell later what has changed. */
export interface ImageState extends Partial<FoundImage> {
  readonly image: string;
  /** "" = not built. */
  readonly tag: string;
  readonly parts: Parts;
}
