/** The part of a terminal's stream that painting needs. */
interface Screen {
  write(text: string): unknown;
  /** Lines that fit on it. */
  readonly rows?: number;
}

/**
 * Writes lines to a terminal, each time over those of the time before, in one write, so that nothing flickers. A line that
 * is too long ends at the edge, also after the window was made narrower, and what does not fit below is left out: what has
 * left the screen cannot be written over.
 */
export function painter(screen: Screen): (lines: readonly string[]) => void {
  let before: readonly string[] = [];
  return (lines) => {
    const shown = lines.slice(0, Math.max((screen.rows ?? 24) - 1, 1));
    if (shown.join("\n") === before.join("\n")) return;
    const back = before.length === 0 ? "" : `\x1b[${before.length}A\r`;
    screen.write(`${NO_WRAP}${back}${shown.map((line) => `${line}\x1b[K\n`).join("")}\x1b[J${WRAP}`);
    before = shown;
  };
}

const [NO_WRAP, WRAP] = ["\x1b[?7l", "\x1b[?7h"];
