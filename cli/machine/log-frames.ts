import type { LogPlace } from "../../components/remote/scripts.ts";

/** A frame sent by components/remote/follow.sh. */
export type LogFrame =
  | { readonly is: "waiting" } // there is no log yet
  | { readonly is: "lost" } // the log of before is not there any more; the newest one follows from its beginning
  | { readonly is: "bytes"; readonly bytes: Buffer; readonly place: LogPlace }; // which end at that place

/** Bytes; longer than any frame. */
const LONGEST = 2 * 1024 * 1024;
const BEGIN = Buffer.from("\n@begin\n");

/** Reads frames from the machine's output. Text of a login shell before the first frame is skipped. */
export class LogFrames {
  #held = Buffer.alloc(0);
  #hasBegun = false;

  /** Returns only whole frames. Throws when the output is not made of frames. */
  *read(chunk: Buffer): Generator<LogFrame> {
    this.#held = Buffer.concat([this.#held, chunk]);
    if (this.#held.length > 2 * LONGEST) throw new Error("a frame of the log is too long");
    if (!this.#hasBegun && !this.#begin()) return;
    for (let frame = this.#next(); frame !== undefined; frame = this.#next()) yield frame;
  }

  #begin(): boolean {
    const at = this.#held.indexOf(BEGIN);
    if (at < 0) return false;
    this.#held = this.#held.subarray(at + BEGIN.length);
    this.#hasBegun = true;
    return true;
  }

  #next(): LogFrame | undefined {
    const end = this.#held.indexOf("\n");
    if (end < 0) return undefined;
    const line = this.#held.subarray(0, end).toString("latin1");
    const [, inode = "", offset = "", size = ""] = /^@(\d{1,20}|-) (\d{1,15}) (\d{1,7})$/.exec(line) ?? [];
    if (line !== "@lost" && inode === "") throw new Error("what the machine sends is not the log");
    const length = end + 1 + Number(size);
    if (Number(size) > LONGEST) throw new Error("a frame of the log is too long");
    if (this.#held.length < length) return undefined;
    const bytes = this.#held.subarray(end + 1, length);
    this.#held = this.#held.subarray(length);
    if (line === "@lost") return { is: "lost" };
    return inode === "-" ? { is: "waiting" } : { is: "bytes", bytes, place: { inode, offset: Number(offset) } };
  }
}
