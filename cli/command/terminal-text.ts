import { StringDecoder } from "node:string_decoder";

const [ESC, BEL] = [27, 7].map((code) => String.fromCharCode(code)) as [string, string];
/** The beginning of what moves the cursor or sets a colour, and of what talks to the window. */
const CONTROL = `${ESC}\\[[0-9;:?<=>]*[ -/]*`;
const STRING = `${ESC}[\\]PX^_][^${BEL}${ESC}\\n]*`;
/** Sequences, and single characters that are more than text. */
const SPECIAL = new RegExp(
  `${CONTROL}[@-~]|${STRING}(?:${BEL}|${ESC}\\\\)?|[\\p{Cc}\\p{Cf}\\p{Zl}\\p{Zp}\\p{Co}\\p{Cs}]`,
  "gu",
);
const ALLOWED = new RegExp(`^(?:[\\n\\r\\t]|${ESC}\\[[0-9;:]*m)$`);
/** What may be the beginning of a sequence. */
const UNFINISHED = new RegExp(`(?:${CONTROL}|${STRING}${ESC}?|${ESC})$`);
const LONGEST_SEQUENCE = 256;

/**
 * What a machine writes, made safe for a terminal as it comes: text, ends of lines, tabs and colours stay; what moves the
 * cursor, changes the window or reaches the clipboard goes.
 */
export class TerminalText {
  readonly #decoder = new StringDecoder("utf8");
  #held = "";
  #coloured = false;

  write(chunk: Buffer): string {
    const text = this.#held + this.#decoder.write(chunk);
    const [tail = ""] = UNFINISHED.exec(text) ?? [];
    this.#held = tail.length <= LONGEST_SEQUENCE ? tail : "";
    return this.#clean(text.slice(0, text.length - tail.length));
  }

  /** The rest, and the terminal's own colours again. */
  end(): string {
    const rest = this.#clean(this.#held + this.#decoder.end());
    return this.#coloured ? `${rest}${ESC}[0m` : rest;
  }

  #clean(text: string): string {
    return text.replace(SPECIAL, (found) => {
      if (!ALLOWED.test(found)) return "";
      if (found.startsWith(ESC)) this.#coloured = true;
      return found;
    });
  }
}
