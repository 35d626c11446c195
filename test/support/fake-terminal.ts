import type { Terminal } from "../../cli/command/command.ts";

/** A terminal that remembers what was written. */
export interface FakeTerminal extends Terminal {
  readonly written: string[];
  readonly noted: string[];
}

export function fakeTerminal(more: Partial<Terminal> = {}): FakeTerminal {
  const written: string[] = [];
  const noted: string[] = [];
  return {
    cwd: "/",
    env: { PATH: "/usr/bin:/bin" },
    interactive: false,
    out: (text) => written.push(text),
    note: (text) => noted.push(text),
    ...more,
    written,
    noted,
  };
}
