import type { Terminal } from "../command/command.ts";

/** The stack that is put in order. */
export interface Patient {
  /** Folder of the project. */
  readonly cwd: string;
  readonly project: string;
  readonly stack: string;
  readonly terminal: Terminal;
  /** Answers yes where nobody can be asked. */
  readonly yes: boolean;
  readonly progress: (text: string) => void;
}
