import { StringDecoder } from "node:string_decoder";
import { HiddenText } from "../../components/lib/secrets.ts";
import { TerminalText } from "./terminal-text.ts";

/**
 * A machine's output on its way to standard output or error: credentials are removed, and it is made safe for a
 * terminal.
 */
export class Shown {
  readonly #to: NodeJS.WriteStream;
  readonly #text: TerminalText | PlainText;
  readonly #hidden = new HiddenText();

  constructor(to: NodeJS.WriteStream) {
    this.#to = to;
    this.#text = to.isTTY ? new TerminalText() : new PlainText();
  }

  /** false = the stream is full: wait for `drain`. */
  write(chunk: Buffer): boolean {
    return this.#to.write(this.#hidden.write(this.#text.write(chunk)));
  }

  end(): void {
    this.#to.write(this.#hidden.write(this.#text.end()) + this.#hidden.end());
  }
}

/** Output for a file or another program, unchanged. */
class PlainText {
  readonly #decoder = new StringDecoder("utf8");

  write(chunk: Buffer): string {
    return this.#decoder.write(chunk);
  }

  end(): string {
    return this.#decoder.end();
  }
}
