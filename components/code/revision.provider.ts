import { troubleText } from "../lib/problem.ts";
import { openStateDir } from "../lib/state-dir.ts";
import { printable } from "../lib/text.ts";
import { say } from "../pulumi/engine.ts";
import { type CheckFailure, lifecycle } from "../pulumi/lifecycle.ts";
import type { Dependencies } from "../remote/checks.ts";
import { repoName, WORKSPACE } from "../remote/scripts.ts";
import { planDependencies } from "./dependencies.ts";
import { complaintsAbout, contentsOf, projectAt } from "./git/contents.ts";
import type { Project } from "./git/project.ts";
import { snapshotRepository } from "./git/snapshot.ts";
import { loginFor } from "./git/token.ts";
import type { RevisionArgs, Whole } from "./revision.ts";

/** The checked inputs, which are the outputs too. */
export interface Pinned {
  readonly repo: string;
  readonly branch: string;
  readonly run: string;
  readonly commit: string;
  /** Older states lack it. */
  readonly dependencies?: Dependencies;
}

/** Lines already printed: a replacement is checked twice. */
const said = new Set<string>();

/**
 * The commit to train: the pinned one, unless the inputs ask for another. `head` itself is not kept. The files of a
 * folder are always taken as they are, and so is a commit that the stack config names.
 */
export function pin(
  old: Partial<Pinned>,
  { repo, branch, run, head }: Pick<RevisionArgs, "repo" | "branch" | "run" | "head">,
  follows = false,
): Pinned {
  const same = !follows && old.repo === repo && old.branch === branch && old.run === run;
  return { repo, branch, run, commit: same && old.commit !== undefined ? old.commit : head };
}

/** The lifecycle behind Revision. */
export const provider = lifecycle({
  check: async (olds: Partial<Pinned>, news: RevisionArgs & { readonly __urn?: string }) => {
    const pinned = pin(olds, news, news.whole.sourceDir !== "" || news.isPinned);
    const { project, failures } = await look(pinned, news.whole);
    if (project === undefined) return { inputs: pinned, failures };
    const { dependencies, line, problems } = planDependencies(project, news.wish);
    if (!said.has(line)) await say(news.__urn, line);
    said.add(line);
    const more = problems.map(({ key, found, write }) => ({ property: key, reason: `${found}; ${write}` }));
    return { inputs: { ...pinned, dependencies }, failures: [...failures, ...more] };
  },

  // Replaced, not updated: a preview knows the commit of a replacement, but no output of an update, so the image would
  // be unknown too.
  diff: async (_id: string, olds: Pinned, news: Pinned) => {
    const changes = !isSame(outputs(olds), outputs(news));
    return { changes, replaces: changes ? ["commit"] : [] };
  },
  create: async (inputs: Pinned) => ({ id: "revision", outs: outputs(inputs) }),
});

/** What the commit says it needs, and what a clone of it or of an extra repository would lack. */
async function look(
  { repo, branch, commit }: Pinned,
  whole: Whole,
): Promise<{ project: Project | undefined; failures: CheckFailure[] }> {
  const { url, extraRepos, exclude, sourceDir } = whole;
  const dir = openStateDir();
  const codeDir = `${WORKSPACE}/${repoName(url)}`;
  const code = { shown: repo, url, commit, ref: `refs/heads/${branch}`, codeDir };
  const all = [
    ...(sourceDir === "" ? [code] : []),
    ...extraRepos.map((extra) => ({ ...extra, shown: extra.url, ref: "HEAD", codeDir: extra.path })),
  ];
  const found = await Promise.all(
    all.map(async ({ shown, codeDir, ...source }) => {
      const isCode = source.commit === commit;
      const property = isCode ? "repo" : "extraRepos";
      try {
        const { project, ...missing } = await contentsOf(dir, { ...source, login: loginFor(whole, source.url) });
        const lacks = await complaintsAbout(missing, { codeDir, extraRepos, exclude });
        const reasons = lacks.map((lack) => `${shown} at ${commitText(source)}: ${troubleText(lack)}`);
        return { project: isCode ? project : undefined, failures: reasons.map((reason) => ({ property, reason })) };
      } catch (error) {
        const reason = `${shown} at ${commitText(source)} cannot be read: ${printable((error as Error).message, 400)}`;
        return { project: undefined, failures: [{ property, reason }] };
      }
    }),
  );
  const sent = sourceDir === "" ? undefined : await projectAt(await snapshotRepository(dir, sourceDir), { commit });
  return { project: sent ?? found[0]?.project, failures: found.flatMap(({ failures }) => failures) };
}

function commitText({ commit }: { commit: string }): string {
  return commit.slice(0, 12);
}

function outputs({ repo, branch, run, commit, dependencies }: Pinned): Pinned {
  return { repo, branch, run, commit, ...(dependencies && { dependencies }) };
}

function isSame(one: Pinned, other: Pinned): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}
