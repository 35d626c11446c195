import { z } from "zod";
import { jsonIn } from "../lib/text.ts";

// What the engine does, as `--json` of an up, refresh or destroy prints it while it happens: an object a line.

/** What is said of a resource, or of the whole. */
export interface Diagnostic {
  readonly severity: string;
  readonly message: string;
  /** undefined = of no resource. */
  readonly urn?: string | undefined;
}

const shape = z.object({
  diagnosticEvent: z.object({ severity: z.string(), message: z.string(), urn: z.string().optional() }),
});

/** The diagnostic in a line; undefined = the line is another event, or cut off. */
export function diagnosticIn(line: string): Diagnostic | undefined {
  return shape.safeParse(jsonIn(line)).data?.diagnosticEvent;
}

/** Pulumi's last words, after the real reason. */
const NO_REASON = "update failed";

/** The errors in these lines, each once. */
export function errorsIn(lines: readonly string[]): string[] {
  const said = lines.map(diagnosticIn).flatMap((one) => (one?.severity === "error" ? [one.message.trim()] : []));
  return [...new Set(said)].filter((message) => message !== "" && message !== NO_REASON);
}
