import { writeSync } from "node:fs";
import { whenInterrupted } from "../../pulumi/endings.ts";
import { holderOf, type Journal } from "./journal.ts";
import { afterKill, leftBehind } from "./trouble.ts";

/** Several machines may bill at once, and the process hears once of its end. */
const billing = new Set<string>();

/** Runs an action while a machine bills. When it is interrupted, `text` is printed: what bills and what ends it. */
export async function whileBilling<T>(text: string, action: () => Promise<T>): Promise<T> {
  whenInterrupted("what bills", () => {
    for (const one of billing) printNow(`interrupted: ${one}`);
  });
  billing.add(text);
  try {
    return await action();
  } finally {
    billing.delete(text);
  }
}

/** Writes into each intent of this process, and prints, what it leaves behind. */
export function leaveWord(journal: Journal, print = printNow): void {
  for (const intent of journal.listOpen().filter((open) => holderOf(open) === "us")) {
    const text = leftBehind(intent);
    print(`interrupted: ${text}${afterKill(intent)}`);
    try {
      journal.leave(intent.label, text);
    } catch (error) {
      print((error as Error).message);
    }
  }
}

/** Nobody may be reading any more: the note on disk is what counts. */
function printNow(text: string): void {
  try {
    writeSync(process.stderr.fd, `${text}\n`);
  } catch {
    // Nobody reads it.
  }
}
