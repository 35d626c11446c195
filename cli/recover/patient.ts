import type { Terminal } from "../command/command.ts";

/** The stack to recover. */
export interface Patient {
  /** The project's folder. */
  readonly cwd: string;
  readonly project: string;
  readonly stack: string;
  readonly terminal: Terminal;
  /** Answer yes to every question. */
  readonly yes: boolean;
  readonly progress: (text: string) => void;
}
