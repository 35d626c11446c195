import { type BigIntStats, lstatSync } from "node:fs";

/** Sums of files here that were computed a moment ago, whatever the files are called by now. */
export class Sums {
  readonly #sums = new Map<string, string>();
  readonly #flushed = new Set<string>();

  /**
   * @param entry as it was when the sum was computed
   * @param isFlushed it is on the disk, and not only in memory
   */
  note(entry: BigIntStats, sha256: string, isFlushed = false): void {
    this.#sums.set(keyOf(entry), sha256);
    if (isFlushed) this.#flushed.add(keyOf(entry));
  }

  /** Lower case hex; undefined = not computed, or the file is another by now, or was written to. */
  of(path: Buffer): string | undefined {
    return this.#sums.get(keyAt(path));
  }

  isFlushed(path: Buffer): boolean {
    return this.#flushed.has(keyAt(path));
  }
}

/** A rename changes none of these, a write changes the time. */
function keyOf({ dev, ino, size, mtimeNs }: BigIntStats): string {
  return [dev, ino, size, mtimeNs].join(" ");
}

function keyAt(path: Buffer): string {
  const entry = lstatSync(path, { bigint: true, throwIfNoEntry: false });
  return entry === undefined ? "" : keyOf(entry);
}
