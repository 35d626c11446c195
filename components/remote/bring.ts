/** Which files come home beside checkpoints; the training log always does. */
export interface Bring {
  /** Name of the repository's folder in the workspace. */
  readonly name: string;
  /** Bash globs, relative to that folder or below the workspace. */
  readonly globs: readonly string[];
  /** Limit for all files but logs, MB on disk. */
  readonly maxMb: number;
}

/** Globs that may match nothing: where Hydra and wandb write by default. */
export const USUAL_GLOBS: readonly string[] = ["outputs", "wandb/offline-run-*"];

/**
 * A glob that stays below the repository's folder or /workspace, and cannot match files of credentials: a name that
 * begins with a dot must be written out, and must not be one of theirs.
 */
export const BRING_GLOB =
  /^(\/workspace\/)?(?!~)((?!\.(\.?(\/|$)|env|netrc|git(-|\/|$)|ssh|gnupg|aws|vast|[^/]*[*?[]))[^\p{Cc}/\\]+(\/(?!$)|$))+$/iu;
