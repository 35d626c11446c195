import { printable } from "../../lib/text.ts";

// What the training step prints for the program: components/remote/train.sh.

/** Seconds from the first login on the machine to the first line of training; null = nothing is said of it. */
export function secondsIn(printed: string | undefined): number | null {
  const [, milliseconds] = /^training: first line (\d{1,12}) ms after the first login$/m.exec(printed ?? "") ?? [];
  return milliseconds === undefined ? null : Number(milliseconds) / 1000;
}

/** Longest part of a line of training, characters: it is to fit into 80 columns. */
const LONGEST_LINE = 55;

/** How far a machine's clock may be behind ours, milliseconds. */
const SKEW_MS = 30_000;

/**
 * "training runs: step 1 loss 5.291", and a line for its page at Weights & Biases; nothing when the step has not looked
 * since that time: what an earlier `up` printed may not be true any more.
 *
 * @param since milliseconds
 */
export function standingIn(printed: string, wandbRunId: string, since: number): string[] {
  const [, seen = "0"] = /^training: seen at (\d{1,12})$/m.exec(printed) ?? [];
  if (Number(seen) * 1000 < since - SKEW_MS) return [];
  const page = pageIn(printed, wandbRunId);
  return [...stateIn(printed), ...(page === undefined ? [] : [`wandb: ${page}`])];
}

function stateIn(printed: string): string[] {
  if (/^training: has ended with exit code 0$/m.test(printed)) return ["training has ended with exit code 0"];
  if (!/^training: (started|runs already)\b/m.test(printed)) return [];
  const [, line] = /^training: says (.+)$/m.exec(printed) ?? [];
  return [
    line === undefined ? "training runs, and says nothing yet" : `training runs: ${printable(line, LONGEST_LINE)}`,
  ];
}

/** The log of a training may hold any address; the one that ends in our own run's id is its page. */
function pageIn(printed: string, wandbRunId: string): string | undefined {
  const [, page] = /^training: wandb (https?:\/\/[\w.:/%-]{1,200})$/m.exec(printed) ?? [];
  return page?.endsWith(`/runs/${wandbRunId}`) ? page : undefined;
}
