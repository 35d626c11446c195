import { shellQuoted, textOf } from "./script.ts";

export interface Fuse {
  /** Origin of the API that can end the machine. */
  readonly apiUrl: string;
  /** Running time, summed over all starts, after which the machine ends itself if none of us has logged in. */
  readonly minutes: number;
  /** Folder on the machine. If it holds anything, the machine is only stopped, not deleted. */
  readonly checkpointsDir: string;
}

/**
 * Text for onstart: the machine ends itself when none of us logs in. Runs in any sh; short, because Vast takes 4000
 * characters in all.
 */
export function fuseText({ apiUrl, minutes, checkpointsDir }: Fuse): string {
  const values = { API: apiUrl, LIMIT: String(Math.ceil(minutes * 60)), CHECKPOINTS: checkpointsDir };
  const assignments = Object.entries(values).map(([name, value]) => `${name}=${shellQuoted(value)}`);
  const lines = textOf("fuse")
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "" && !line.startsWith("#"));
  return [assignments.join(" "), ...lines].join("\n");
}
