import { StringDecoder } from "node:string_decoder";
import { HiddenText } from "../../components/lib/secrets.ts";
import { TerminalText } from "./terminal-text.ts";

/** What a machine writes, on its way to standard output or error: without credentials, and safe where that is a terminal. */
export class Shown {
  readonly #to: NodeJS.WriteStream;
  readonly #text: TerminalText | PlainText;
  readonly #hidden = new HiddenText();

  constructor(to: NodeJS.WriteStream) {
    this.#to = to;
    this.#text = to.isTTY ? new TerminalText() : new PlainText();
  }

  /** false = it takes no more for now: `drain` says when. */
  write(chunk: Buffer): boolean {
    return this.#to.write(this.#hidden.write(this.#text.write(chunk)));
  }

  end(): void {
    this.#to.write(this.#hidden.write(this.#text.end()) + this.#hidden.end());
  }
}

/** What goes to a file or another program, as it is. */
class PlainText {
  readonly #decoder = new StringDecoder("utf8");

  write(chunk: Buffer): string {
    return this.#decoder.write(chunk);
  }

  end(): string {
    return this.#decoder.end();
  }
}
