import type { Terminal } from "./command.ts";

/**
 * Milliseconds between two lines where a line cannot be overwritten: often enough to see progress, few lines in a file.
 */
const everyMs = 2000;

export interface Progress {
  show(text: string): void;
  end(): void;
}

/**
 * Shows how far something is, on standard error: one line that is overwritten in a terminal, and elsewhere a line each
 * time something else begins and every two seconds.
 */
export function progressOn(terminal: Terminal, now: () => number = Date.now): Progress {
  const { status } = terminal;
  if (status) return { show: status, end: () => status("") };
  let last = "";
  let lastAt = Number.NEGATIVE_INFINITY;
  const show = (text: string) => {
    const isNew = kindOf(text) !== kindOf(last);
    if (text === last || !(isNew || now() - lastAt >= everyMs)) return;
    last = text;
    lastAt = now();
    terminal.note(text);
  };
  return { show, end: () => {} };
}

/** The text without its numbers. */
function kindOf(text: string): string {
  return text.replace(/[\d.]+.*/, "");
}

/** Shows a text and the elapsed time until the action has ended. */
export async function showing<T>(show: Progress["show"], text: string, action: () => Promise<T>): Promise<T> {
  const began = Date.now();
  const tell = () => show(`${text}, ${Math.floor((Date.now() - began) / 1000)} s`);
  tell();
  const ticking = setInterval(tell, 1000);
  try {
    return await action();
  } finally {
    clearInterval(ticking);
  }
}
