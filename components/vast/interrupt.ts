import { writeSync } from "node:fs";
import { constants } from "node:os";
import { isBusy } from "../dynamic.ts";
import { openJournal } from "./connect.ts";
import { engineAddress } from "./engine.ts";
import { holderOf, type Journal } from "./journal.ts";
import { leftBehind } from "./trouble.ts";

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
let endsOnSignals = false;

/**
 * Ends this provider process at once when it is told to, as it would end without us; a rental that is under way then is
 * left behind, so its intent gets what the user has to know. Pulumi tells a provider so at the end of every command as
 * well, and at the second ^C: nothing may be waited for.
 */
export function endOnSignals(): void {
  if (engineAddress() === undefined || endsOnSignals) return;
  endsOnSignals = true;
  for (const name of SIGNALS) {
    process.once(name, () => {
      if (isBusy()) leaveWord(openJournal());
      for (const text of billing) printNow(`interrupted: ${text}`);
      process.exit(128 + constants.signals[name]);
    });
  }
}

const billing = new Set<string>();

/** Does something in the midst of which a machine bills; `text`, what bills and what ends it, is for who interrupts it. */
export async function whileBilling<T>(text: string, action: () => Promise<T>): Promise<T> {
  billing.add(text);
  try {
    return await action();
  } finally {
    billing.delete(text);
  }
}

/** Writes into each intent of this process what it leaves behind. */
export function leaveWord(journal: Journal, print = printNow): void {
  for (const intent of journal.listOpen().filter((open) => holderOf(open) === "us")) {
    const text = leftBehind(intent);
    journal.leave(intent.label, text);
    print(`interrupted: ${text}`);
  }
}

/** Whoever reads it may be gone: what was noted on disk is what counts. */
function printNow(text: string): void {
  try {
    writeSync(process.stderr.fd, `${text}\n`);
  } catch {
    // Nobody reads it.
  }
}
