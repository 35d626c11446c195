import * as pulumi from "@pulumi/pulumi";
import { type Problem, problemLine } from "../lib/problem.ts";

/**
 * One error that lists every problem; Pulumi shows it without a stack trace.
 *
 * @param bills what goes on billing, a line each
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
