import { troubleText } from "../lib/problem.ts";
import { openStateDir } from "../lib/state-dir.ts";
import { printable } from "../lib/text.ts";
import { type CheckFailure, lifecycle } from "../pulumi/lifecycle.ts";
import { repoName, WORKSPACE } from "../remote/scripts.ts";
import { complaintsAbout, missingIn } from "./git/contents.ts";
import { loginFor } from "./git/token.ts";
import type { RevisionArgs, Whole } from "./revision.ts";

/** The checked inputs, which are the outputs too. */
export interface Pinned {
  readonly repo: string;
  readonly branch: string;
  readonly run: string;
  readonly commit: string;
}

/**
 * The commit to train: the one that is pinned while nothing asks for another. The head itself is not kept. The files of a
 * folder are not pinned: they are taken as they are.
 */
export function pin(
  old: Partial<Pinned>,
  { repo, branch, run, head }: Omit<RevisionArgs, "whole">,
  follows = false,
): Pinned {
  const same = !follows && old.repo === repo && old.branch === branch && old.run === run;
  return { repo, branch, run, commit: same && old.commit !== undefined ? old.commit : head };
}

/** The lifecycle behind Revision. */
export const provider = lifecycle({
  check: async (olds: Partial<Pinned>, news: RevisionArgs) => {
    const inputs = pin(olds, news, news.whole.sourceDir !== "");
    return { inputs, failures: await failures(inputs, news.whole) };
  },
  // A replacement, whose commit a preview knows: an update's outputs are all unknown there, and so would the image be.
  diff: async (_id: string, olds: Pinned, news: Pinned) => {
    const changes = !isSame(outputs(olds), outputs(news));
    return { changes, replaces: changes ? ["commit"] : [] };
  },
  create: async (inputs: Pinned) => ({ id: "revision", outs: outputs(inputs) }),
});

/** What a clone of the commit, or of what lies beside it, would lack. */
async function failures({ repo, branch, commit }: Pinned, whole: Whole): Promise<CheckFailure[]> {
  const { url, extraRepos, exclude, sourceDir } = whole;
  const codeDir = `${WORKSPACE}/${repoName(url)}`;
  const code = { shown: repo, url, commit, ref: `refs/heads/${branch}`, codeDir };
  const all = [
    ...(sourceDir === "" ? [code] : []),
    ...extraRepos.map((extra) => ({ ...extra, shown: extra.url, ref: "HEAD", codeDir: extra.path })),
  ];
  const found = await Promise.all(
    all.map(async ({ shown, codeDir, ...source }) => {
      const property = source.commit === commit ? "repo" : "extraRepos";
      try {
        const missing = await missingIn(openStateDir(), { ...source, login: loginFor(whole, source.url) });
        const lacks = await complaintsAbout(missing, { codeDir, extraRepos, exclude });
        return lacks.map((lack) => ({ property, reason: `${shown} at ${commitText(source)}: ${troubleText(lack)}` }));
      } catch (error) {
        const reason = `${shown} at ${commitText(source)} cannot be read: ${printable((error as Error).message, 400)}`;
        return [{ property, reason }];
      }
    }),
  );
  return found.flat();
}

function commitText({ commit }: { commit: string }): string {
  return commit.slice(0, 12);
}

function outputs({ repo, branch, run, commit }: Pinned): Pinned {
  return { repo, branch, run, commit };
}

function isSame(one: Pinned, other: Pinned): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}
