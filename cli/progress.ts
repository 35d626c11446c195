import type { Terminal } from "./command.ts";

/** Milliseconds between two lines where nobody can overwrite one: enough to see that it goes on, few in a file. */
const everyMs = 2000;

/**
 * Shows how far something is, on standard error: one line that is overwritten in a terminal, and elsewhere a line each
 * time something else begins and every two seconds. What it answers with ends the line that is overwritten.
 */
export function progressOn(terminal: Terminal, now: () => number = Date.now) {
  let last = "";
  let lastAt = Number.NEGATIVE_INFINITY;
  return {
    show(text: string): void {
      if (terminal.status) return terminal.status(text);
      const isNew = kindOf(text) !== kindOf(last);
      if (text === last || !(isNew || now() - lastAt >= everyMs)) return;
      last = text;
      lastAt = now();
      terminal.note(text);
    },
    end: () => terminal.status?.(""),
  };
}

/** The text without its figures. */
function kindOf(text: string): string {
  return text.replace(/[\d.]+.*/, "");
}
