import { randomBytes } from "node:crypto";
import type { Clock } from "../base/clock.ts";

interface Blob {
  /** Milliseconds since 1970. */
  readonly readyAt: number;
  readonly text: () => Promise<string>;
  /** How many more reads find nothing. */
  refusals: number;
  /** How many lines at its end are left out. */
  lacks: number;
}

/** Files that Vast uploads to the web. Reading one takes no key; it appears a moment after its address is given. */
export class Blobs {
  readonly #blobs = new Map<string, Blob>();
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** @param seconds until the file can be read @returns its path */
  add(text: () => Promise<string>, seconds: number): string {
    const name = randomBytes(16).toString("hex");
    this.#blobs.set(name, { text, readyAt: this.#clock.now() + seconds * 1000, refusals: 0, lacks: 0 });
    return `/_blobs/${name}`;
  }

  /** undefined = not there (yet). */
  async read(path: string): Promise<string | undefined> {
    const blob = this.#at(path);
    if (blob === undefined || this.#clock.now() < blob.readyAt) return undefined;
    if (blob.refusals > 0) {
      blob.refusals -= 1;
      return undefined;
    }
    const text = await blob.text();
    return blob.lacks === 0 ? text : text.split("\n").slice(0, -blob.lacks).join("\n");
  }

  /** The next `times` reads find nothing. */
  refuse(path: string, times: number): void {
    const blob = this.#at(path);
    if (blob !== undefined) blob.refusals = times;
  }

  /** From now on the file lacks its last `lines`. */
  shorten(path: string, lines: number): void {
    const blob = this.#at(path);
    if (blob !== undefined) blob.lacks = lines;
  }

  #at(path: string): Blob | undefined {
    return this.#blobs.get(path.replace("/_blobs/", ""));
  }
}
