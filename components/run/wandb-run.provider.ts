import { randomInt } from "node:crypto";
import { lifecycle } from "../pulumi/lifecycle.ts";
import type { WandbRunArgs } from "./wandb-run.ts";

interface WandbRunState extends WandbRunArgs {
  readonly runId: string;
}

/** The lifecycle behind WandbRun. */
export const provider = lifecycle({
  diff: async (_id: string, olds: WandbRunState, news: WandbRunArgs) => ({ changes: !isSame(olds, news) }),
  create: async (inputs: WandbRunArgs) => ({ id: "wandb-run", outs: begin(inputs) }),
  update: async (_id: string, _olds: WandbRunState, news: WandbRunArgs) => ({ outs: begin(news) }),
});

function begin({ repo, branch, run }: WandbRunArgs): WandbRunState {
  return { repo, branch, run, runId: newRunId() };
}

function isSame(one: WandbRunArgs, other: WandbRunArgs): boolean {
  return one.repo === other.repo && one.branch === other.branch && one.run === other.run;
}

const LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789";

/** As wandb makes them: eight letters and digits. */
export function newRunId(): string {
  return Array.from({ length: 8 }, () => LETTERS[randomInt(LETTERS.length)]).join("");
}
