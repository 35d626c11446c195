import * as pulumi from "@pulumi/pulumi";
import { printable } from "./vast/text.ts";

/** Something that is wrong before any money is spent. */
export interface Problem {
  /** Key of the stack config that has to change, or to which the problem belongs. */
  readonly key: string;
  /** What was found: a clause. */
  readonly found: string;
  /** What to write or do instead: a clause. Left out where what was found says it. */
  readonly write?: string;
}

/** "gpus: found "three"; write a whole number from 1 to 64" */
export function problemLine({ key, found, write }: Problem): string {
  const remedy = write === undefined ? "" : `; ${printable(write, 400)}`;
  return `${key}: ${printable(found, 800)}${remedy}`;
}

/**
 * The one error that lists every problem; Pulumi shows it without a stack trace.
 *
 * @param bills what goes on billing all the same, a line each
 */
export function problemsError(
  problems: readonly Problem[],
  stack: string,
  bills: readonly string[] = [],
): pulumi.RunError {
  const count = problems.length === 1 ? "1 problem" : `${problems.length} problems`;
  const lines = problems.map((problem) => `  ${problemLine(problem)}`);
  return new pulumi.RunError([`Stack ${stack} has ${count}; nothing was changed:`, ...lines, ...bills].join("\n"));
}
