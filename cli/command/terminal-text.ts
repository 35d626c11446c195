import { StringDecoder } from "node:string_decoder";

const [ESC, BEL] = [27, 7].map((code) => String.fromCharCode(code)) as [string, string];
/** The start of sequences that move the cursor or set colours, and of those for the window. */
const CONTROL = `${ESC}\\[[0-9;:?<=>]*[ -/]*`;
const STRING = `${ESC}[\\]PX^_][^${BEL}${ESC}\\n]*`;
/** Control sequences, and single control characters. */
const SPECIAL = new RegExp(
  `${CONTROL}[@-~]|${STRING}(?:${BEL}|${ESC}\\\\)?|[\\p{Cc}\\p{Cf}\\p{Zl}\\p{Zp}\\p{Co}\\p{Cs}]`,
  "gu",
);
const ALLOWED = new RegExp(`^(?:[\\n\\r\\t]|${ESC}\\[[0-9;:]*m)$`);
/** A possible start of a control sequence at the end of the text. */
const UNFINISHED = new RegExp(`(?:${CONTROL}|${STRING}${ESC}?|${ESC})$`);
const LONGEST_SEQUENCE = 256;

/**
 * Makes a machine's output safe for a terminal as it arrives: keeps text, line ends, tabs and colours; removes whatever
 * moves the cursor, changes the window or reaches the clipboard.
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

  /** Returns the rest, and resets the terminal's colours. */
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
