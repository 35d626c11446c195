import { mkdirSync, readdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { projectDir } from "../../scripts/lib/workspace.ts";

/** Gives a folder the node_modules of a program that has this package installed, as a link. */
export function installInto(folder: string): void {
  const [ours, theirs] = [join(projectDir, "node_modules"), join(folder, "node_modules")];
  mkdirSync(join(theirs, "@vast-training"), { recursive: true });
  for (const name of readdirSync(ours)) symlinkSync(join(ours, name), join(theirs, name));
  symlinkSync(projectDir, join(theirs, "@vast-training", "pulumi"));
}
