import * as pulumi from "@pulumi/pulumi";
import { DynamicResource } from "../pulumi/resource.ts";
import type { Dependencies } from "../remote/checks.ts";
import type { ExtraRepo, GitAuth } from "../remote/scripts.ts";
import type { DependencyWish } from "./dependencies.ts";

/** The code to train. */
export interface RevisionArgs {
  /** As in the stack config. */
  readonly repo: string;
  readonly branch: string;
  /** Any text; changing it takes the branch as it is now. */
  readonly run: string;
  /** The branch's current commit, or the one that the stack config names. */
  readonly head: string;
  /** Does the stack config name the commit? */
  readonly isPinned: boolean;
  /** What to check about the commit before anything is rented. */
  readonly whole: Whole;
  /** Which of the commit's dependencies to install. */
  readonly wish: DependencyWish;
}

/** Where to look at a commit, and what may be missing in a clone of it. */
export interface Whole {
  /** URL that git fetches from. */
  readonly url: string;
  readonly way: GitAuth;
  readonly tokenFor: string;
  /** File to look for a token in. */
  readonly envFile: string;
  readonly netrcFile: string;
  readonly extraRepos: readonly ExtraRepo[];
  /** With source rsync: the folder, whose files were checked before; else "". */
  readonly sourceDir: string;
  /** Patterns of .gitignore: files that training does not need. */
  readonly exclude: readonly string[];
}

/**
 * The pinned commit: taken when `repo`, `branch` or `run` changes and kept otherwise, so that a push never restarts a
 * training. If the branch has moved, one line says so.
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

/** undefined = the branch has not moved. */
export function movedText({ branch, head }: Pick<RevisionArgs, "branch" | "head">, commit: string): string | undefined {
  if (commit === head) return undefined;
  return `${branch} has moved to ${head.slice(0, 7)}; change run to take it (pinned: ${commit.slice(0, 7)})`;
}
