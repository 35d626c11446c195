import { lifecycle } from "./dynamic.ts";
import type { RevisionArgs } from "./revision.ts";
import { endWithEngine } from "./vast/engine.ts";

/** The checked inputs, which are the outputs too. */
export interface Pinned {
  readonly repo: string;
  readonly branch: string;
  readonly run: string;
  readonly commit: string;
}

/** The commit to train: the one that is pinned while nothing asks for another. The head itself is not kept. */
export function pin(old: Partial<Pinned>, { repo, branch, run, head }: RevisionArgs): Pinned {
  const same = old.repo === repo && old.branch === branch && old.run === run;
  return { repo, branch, run, commit: same && old.commit !== undefined ? old.commit : head };
}

/** The lifecycle behind Revision. */
export const provider = lifecycle({
  check: async (olds: Partial<Pinned>, news: RevisionArgs) => ({ inputs: pin(olds, news) }),
  diff: async (_id: string, olds: Pinned, news: Pinned) => ({ changes: !isSame(outputs(olds), outputs(news)) }),
  create: async (inputs: Pinned) => ({ id: "revision", outs: outputs(inputs) }),
  update: async (_id: string, _olds: Pinned, news: Pinned) => ({ outs: outputs(news) }),
});

endWithEngine();

function outputs({ repo, branch, run, commit }: Pinned): Pinned {
  return { repo, branch, run, commit };
}

function isSame(one: Pinned, other: Pinned): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}
