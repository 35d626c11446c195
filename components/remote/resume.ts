import { readFileSync } from "node:fs";
import { join } from "node:path";

/** Python that finds the newest whole checkpoint; newest.py describes its arguments and output. */
export function newestText(): string {
  return ["whole.py", "newest.py"].map((name) => readFileSync(join(import.meta.dirname, name), "utf8")).join("\n");
}
