import { constants, openSync, readFileSync, readlinkSync, writeSync } from "node:fs";
import { runProgram } from "../programs/program.ts";

// Pulumi shows progress in the column Info of its table. The columns before it take 80 characters and more, and what is
// wider than the terminal is cut off. There a line of our own stands under the table, on the row of the cursor: Pulumi
// leaves that row alone until the table grows, and then draws the table again.

/** From this width on, in characters, Info has room for a text. */
const WIDE = 120;
/** Flags with which Pulumi draws no table. */
const TABLELESS = /^(--non-interactive|--diff|--json|-j)(=true)?$/;
const [ESC, PATIENCE_MS] = [String.fromCharCode(27), 2000];
const [SAVE, RESTORE, CLEAR] = [`${ESC}7`, `${ESC}8`, `\r${ESC}[K`];

/** A terminal in which Pulumi draws its table. */
export interface Screen {
  readonly columns: number;
  write(text: string): void;
}

/** The line under the table. Nothing of it throws. */
export class OwnLine {
  readonly #open: () => Promise<Screen | undefined>;
  /** Found once: one process serves one command. */
  #screen: Promise<Screen | undefined> | undefined;
  #text = "";
  #isPainted = false;
  #isBegun = false;

  /** @param open undefined = there is no such terminal */
  constructor(open: () => Promise<Screen | undefined> = openScreen) {
    this.#open = open;
  }

  /** Something is under way, so Pulumi draws its table. */
  begin(): void {
    this.#isBegun = true;
  }

  /** Shows a text until the next one comes, or the end. */
  show(text: string): void {
    if (!this.#isBegun) return;
    this.#text = text;
    this.#screen ??= this.#open();
    void this.#screen.then((screen) => {
      if (screen === undefined || this.#text === "") return;
      screen.write(`${SAVE}${CLEAR}${fitted(this.#text, screen.columns)}${RESTORE}`);
      this.#isPainted = true;
    });
  }

  /** Removes it, before Pulumi writes on. Whoever shows a text later is too late. */
  end(): void {
    this.#isBegun = false;
    this.#text = "";
    if (!this.#isPainted) return;
    this.#isPainted = false;
    void this.#screen?.then((screen) => screen?.write(`${SAVE}${CLEAR}${RESTORE}`));
  }
}

export const ownLine = new OwnLine();

/** The text within one row; the last column stays empty, or some terminals would go to the next row. */
export function fitted(line: string, columns: number): string {
  return line.length < columns ? line : `${line.slice(0, Math.max(columns - 2, 0))}…`;
}

/** Does the CLI with this command line and these open files draw its table in a terminal? */
export function drawsTable(words: readonly string[], files: readonly string[]): boolean {
  return !words.some((word) => TABLELESS.test(word)) && files.every((file) => /^\/dev\/(pts\/\d+|tty\w*)$/.test(file));
}

/** What `stty -a` says. undefined = whoever is in the background must not write there, or Info has room. */
export function narrowIn(said: string): number | undefined {
  const columns = Number(/\bcolumns (\d+)/.exec(said)?.[1] ?? 0);
  const isOpen = /(^|\s)-tostop\b/.test(said);
  return isOpen && columns >= 20 && columns < WIDE ? columns : undefined;
}

async function openScreen(): Promise<Screen | undefined> {
  try {
    if (process.platform !== "linux" || process.env.CI || !isUnderTable()) return undefined;
    const { stdout } = await runProgram(["stty", "-a", "-F", "/dev/tty"], { timeoutMs: PATIENCE_MS });
    const columns = narrowIn(stdout.toString("utf8"));
    if (columns === undefined) return undefined;
    // A terminal that takes nothing must not hold up a rental.
    const { O_WRONLY, O_NOCTTY, O_NONBLOCK } = constants;
    const terminal = openSync("/dev/tty", O_WRONLY | O_NOCTTY | O_NONBLOCK);
    return { columns, write: (line) => tryToWrite(terminal, line) };
  } catch {
    return undefined;
  }
}

function tryToWrite(terminal: number, line: string): void {
  try {
    writeSync(terminal, line);
  } catch {
    // It is full, or gone.
  }
}

/** Pulumi starts its provider through a shell, so the CLI is the parent's parent. */
function isUnderTable(): boolean {
  const cli = parentOf(process.ppid);
  if (readFileSync(`/proc/${cli}/comm`, "utf8").trim() !== "pulumi") return false;
  const words = readFileSync(`/proc/${cli}/cmdline`, "utf8").split("\0");
  return drawsTable(
    words,
    [0, 1].map((file) => readlinkSync(`/proc/${cli}/fd/${file}`)),
  );
}

function parentOf(pid: number): number {
  return Number(/^PPid:\s*(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]);
}
