/** Requests that a fault keeps waiting, and those who wait for such a request. */
export class Holds {
  #held: (() => void)[] = [];
  #waiting: (() => void)[] = [];

  /** Resolves when it is let go. */
  hold(): Promise<void> {
    const letGo = new Promise<void>((resolve) => this.#held.push(resolve));
    for (const tell of this.#waiting.splice(0)) tell();
    return letGo;
  }

  /** Resolves as soon as a request is held. */
  seen(): Promise<void> {
    return this.#held.length > 0 ? Promise.resolve() : new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** Lets all of them go on; answers how many there were. */
  letGo(): number {
    const held = this.#held.splice(0);
    for (const go of held) go();
    return held.length;
  }
}
