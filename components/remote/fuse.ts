import { shellQuoted, textOf } from "./script.ts";

export interface Fuse {
  /** Origin of the API that can end the machine. */
  readonly apiUrl: string;
  /** How long it runs, all starts together, until it ends itself when nobody of ours has logged in. */
  readonly minutes: number;
  /** On the machine: it is stopped and never deleted when anything is there. */
  readonly checkpointsDir: string;
}

/** For onstart: the machine ends itself when nobody of ours comes. Any sh; a few characters, of which Vast takes 4000. */
export function fuseText({ apiUrl, minutes, checkpointsDir }: Fuse): string {
  const values = { API: apiUrl, LIMIT: String(Math.ceil(minutes * 60)), CHECKPOINTS: checkpointsDir };
  const assignments = Object.entries(values).map(([name, value]) => `${name}=${shellQuoted(value)}`);
  const lines = textOf("fuse")
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "" && !line.startsWith("#"));
  return [assignments.join(" "), ...lines].join("\n");
}
