import { existsSync } from "node:fs";
import { join, relative } from "node:path";

/** Where checkpoints are to come home. */
export interface Wish {
  /** Absolute. */
  readonly checkpointsTo: string;
  /** The folder of the project, where the stack config has `checkpointsTo` relative to it. */
  readonly clone?: string | undefined;
}

/**
 * The folder to which checkpoints come home. One that the config has relative to its clone stays that of the clone which
 * the state knows, for as long as that clone is there: another checkout of the project shares the stack, and checkpoints
 * in two places would be whole in neither.
 *
 * @param recorded as the state has it; undefined = nothing is recorded
 */
export function folderOf(recorded: string | undefined, { checkpointsTo, clone }: Wish): string {
  if (recorded === undefined || clone === undefined) return checkpointsTo;
  const inside = `/${relative(clone, checkpointsTo)}`;
  const isSame = recorded.endsWith(inside) && existsSync(join(recorded.slice(0, -inside.length), "Pulumi.yaml"));
  return isSame ? recorded : checkpointsTo;
}
