import { printable } from "../../lib/text.ts";
import { diagnosticIn, errorsIn } from "../../pulumi/events.ts";

/** Lines of a failed build that are shown. */
const TOLD = 25;

/**
 * The text that a row shows for one of Pulumi's events about an image; "" = none. A layer's text begins with its state,
 * so that a row shows one layer at a time.
 */
export function buildProgressIn(event: string): string {
  const { severity, urn = "", message } = diagnosticIn(event) ?? { severity: "", message: "" };
  if (severity !== "info" || !urn.includes("::docker:index/image:Image::")) return "";
  const text = printable(message, 300).trim();
  const [, layer, state, amount = ""] = /^([0-9a-f]{12}) (\S+)(?: \[[=> ]*\])?\s*(.*)$/.exec(text) ?? [];
  return layer === undefined ? text : `${state} ${amount || layer}`;
}

/** The error in Pulumi's events: the last lines, which end with the last output of the failing step. */
export function buildErrorIn(events: readonly string[], otherwise = ""): string {
  const text = errorsIn(events).join("\n") || otherwise;
  const lines = text.split("\n").filter((line) => line.trim() !== "");
  return lines
    .slice(-TOLD)
    .map((line) => printable(line, 400))
    .join("\n");
}
