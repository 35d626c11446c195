import { randomBytes } from "node:crypto";
import type { Clock } from "./clock.ts";

interface Blob {
  /** Milliseconds since 1970. */
  readonly readyAt: number;
  readonly text: () => Promise<string>;
}

/** Files that Vast puts somewhere on the web: they need no key, and are there a moment after their address. */
export class Blobs {
  readonly #blobs = new Map<string, Blob>();
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** @returns the path at which it will be */
  add(text: () => Promise<string>, seconds: number): string {
    const name = randomBytes(16).toString("hex");
    this.#blobs.set(name, { text, readyAt: this.#clock.now() + seconds * 1000 });
    return `/_blobs/${name}`;
  }

  /** undefined = not there (yet). */
  async read(path: string): Promise<string | undefined> {
    const blob = this.#blobs.get(path.replace("/_blobs/", ""));
    if (blob === undefined || this.#clock.now() < blob.readyAt) return undefined;
    return blob.text();
  }
}
