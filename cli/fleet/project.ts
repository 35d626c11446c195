import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";

/** The project of the folder, as Pulumi would find it, else the project that contains this file. */
export function projectOf(cwd: string): string {
  for (let folder = cwd; ; folder = dirname(folder)) {
    if (isOurProject(join(folder, "Pulumi.yaml"))) return folder;
    if (folder === dirname(folder)) return join(import.meta.dirname, "..", "..");
  }
}

function isOurProject(file: string): boolean {
  try {
    return /^name:\s*["']?vast-training["']?\s*$/m.test(readFileSync(file, "utf8"));
  } catch {
    return false;
  }
}

/** The stacks with a config file in the project; no backend is asked. */
export function stackFiles(cwd: string): string[] {
  return readdirSync(projectOf(cwd)).flatMap((name) => /^Pulumi\.(.+)\.yaml$/.exec(name)?.[1] ?? []);
}
