/** What comes home beside checkpoints; the log of training always does. */
export interface Bring {
  /** Of the repository's folder in the workspace. */
  readonly name: string;
  /** As bash has them, relative to that folder or below the workspace. */
  readonly globs: readonly string[];
  /** Most of all but logs, MB on disk. */
  readonly maxMb: number;
}

/** Where nothing has to be: what Hydra and wandb write unless they are told otherwise. */
export const USUAL_GLOBS: readonly string[] = ["outputs", "wandb/offline-run-*"];

/**
 * A glob that stays below the repository's folder, or /workspace, and names nothing that holds credentials: a name with a
 * dot before it is written out, and is none of theirs.
 */
export const BRING_GLOB =
  /^(\/workspace\/)?(?!~)((?!\.(\.?(\/|$)|env|netrc|git(-|\/|$)|ssh|gnupg|aws|vast|[^/]*[*?[]))[^\p{Cc}/\\]+(\/(?!$)|$))+$/iu;
