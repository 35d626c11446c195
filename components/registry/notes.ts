import { mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { diskError } from "../lib/disk.ts";
import { writeWhole } from "../lib/draft.ts";
import { stateDirPath } from "../lib/state-dir.ts";

/** Where it is noted what registries said, or that they said nothing. No I/O. */
export function registryNotes(env: NodeJS.ProcessEnv): string {
  return join(stateDirPath(env), "images");
}

/** Best effort: what cannot be noted is asked for again. */
export function writeNote(file: string, text: string): void {
  try {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    writeWhole(file, text);
  } catch (error) {
    if (diskError(error) === undefined) throw error;
  }
}
