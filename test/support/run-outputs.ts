import assert from "node:assert/strict";
import type { CommandResult } from "../../scripts/lib/command.ts";

/** What can run a command where the stack is. */
interface Place {
  run(program: string, words: string[]): Promise<CommandResult>;
}

/** The outputs of the component TrainingRun, which the stack's own outputs do not wait for. */
export async function runOutputs(place: Place, stack: string): Promise<Record<string, unknown>> {
  const { code, stdout, stderr } = await place.run("pulumi", ["stack", "export", "-s", stack]);
  assert.equal(code, 0, stderr);
  const { resources } = JSON.parse(stdout).deployment as { resources: { type: string; outputs?: object }[] };
  return { ...resources.find(({ type }) => type === "vast-training:index:TrainingRun")?.outputs };
}
