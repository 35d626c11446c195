import { fileText } from "./script.ts";

/** Python that finds the newest whole checkpoint; newest.py describes its arguments and output. */
export function newestText(): string {
  return ["whole.py", "newest.py"].map(fileText).join("\n");
}
