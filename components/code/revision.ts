import * as pulumi from "@pulumi/pulumi";
import { DynamicResource } from "../pulumi/resource.ts";
import type { Dependencies } from "../remote/checks.ts";
import type { ExtraRepo, GitAuth } from "../remote/scripts.ts";
import type { DependencyWish } from "./dependencies.ts";

/** What is trained. */
export interface RevisionArgs {
  /** As in the stack config. */
  readonly repo: string;
  readonly branch: string;
  /** Free text; a new one takes the branch as it is now. */
  readonly run: string;
  /** The branch's commit now, or the one that the stack config names. */
  readonly head: string;
  /** Does the stack config name it? */
  readonly isPinned: boolean;
  /** What is checked of the commit before anything is rented. */
  readonly whole: Whole;
  /** What is to be installed of what the commit asks for. */
  readonly wish: DependencyWish;
}

/** Where a commit is looked at, and what may be missing in a clone of it. */
export interface Whole {
  /** What git fetches from. */
  readonly url: string;
  readonly way: GitAuth;
  readonly tokenFor: string;
  /** Where a token is looked for. */
  readonly envFile: string;
  readonly netrcFile: string;
  readonly extraRepos: readonly ExtraRepo[];
  /** With source rsync: the folder whose files were looked at already; else "". */
  readonly sourceDir: string;
  /** Patterns of .gitignore: training does without. */
  readonly exclude: readonly string[];
}

/**
 * The pinned commit: taken when `repo`, `branch` or `run` changes and kept otherwise, so that a push never restarts a
 * training. That the branch has moved is told in one line.
 */
export class Revision extends DynamicResource {
  declare readonly commit: pulumi.Output<string>;
  declare readonly dependencies: pulumi.Output<Dependencies>;

  constructor(name: string, args: RevisionArgs, opts?: pulumi.CustomResourceOptions) {
    super("revision", name, { ...args, commit: undefined, dependencies: undefined }, opts);
    this.commit.apply((commit) => {
      const moved = movedText(args, commit);
      if (moved !== undefined) void pulumi.log.info(moved, this);
    });
  }
}

/** undefined = the branch is where it was. */
export function movedText({ branch, head }: Pick<RevisionArgs, "branch" | "head">, commit: string): string | undefined {
  if (commit === head) return undefined;
  return `${branch} has moved to ${head.slice(0, 7)}; change run to take it (pinned: ${commit.slice(0, 7)})`;
}
