import type { Vast } from "./account.ts";
import { billText } from "./bad-end.ts";
import { isVastError } from "./vast/client/errors.ts";
import { type LabelParts, labelStem } from "./vast/journal/label.ts";

/**
 * What a stack's earlier runs have rented and what ends it, a line each: a run that stops before anything is registered
 * does not know its machine. Empty when there is none, or Vast cannot be asked.
 */
export async function billLines({ client }: Vast, whose: LabelParts): Promise<string[]> {
  try {
    const stem = labelStem(whose);
    const rows = (await client.instances()).filter(({ label }) => label?.startsWith(stem) === true);
    return rows.map(({ id, totalPerHour }) => billText(String(id), totalPerHour, whose.stack));
  } catch (error) {
    if (isVastError(error)) return [];
    throw error;
  }
}
