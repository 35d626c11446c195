import { createHash } from "node:crypto";
import { type FileHandle, open, readdir, stat } from "node:fs/promises";
import { folderOf, hashOn, pathOf } from "../store/files.ts";
import type { Sums } from "../store/sums.ts";

/** A file of this size or more is hashed while it arrives, a smaller one when it is there. */
const LARGE_BYTES = 16_000_000;
/** How much of a file may wait for the disk: at the end, nothing else uses the time that it takes. */
const FLUSH_BYTES = 256_000_000;
/**
 * How many files are on their way to the disk at once: one after the other, many small ones wait for it longer than they
 * take to arrive. Node has four threads for files, and one of them reads on.
 */
const FLUSHES = 3;
const LOOK_MS = 50;

/** Hashes files while rsync brings them, and sees them to the disk, so that neither is left to do at the end. */
export class Arrivals {
  readonly #folder: string;
  readonly #sizes: ReadonlyMap<string, number>;
  readonly #sums: Sums;
  /** Names that rsync has begun; all but the last of them are in place. */
  readonly #begun: string[] = [];
  /** All that it ever has: a machine may have it said again and again. */
  readonly #told = new Set<string>();
  /** The oldest first. */
  readonly #finishing: Promise<void>[] = [];
  readonly #stop = new AbortController();
  readonly #work: Promise<void>;
  #isOver = false;
  #wake = () => {};

  /** @param sums are told what is found */
  constructor(folder: string, sizes: ReadonlyMap<string, number>, sums: Sums) {
    this.#folder = folder;
    this.#sizes = sizes;
    this.#sums = sums;
    this.#work = this.#run();
    this.#work.catch(() => {}); // `over` throws it
  }

  /** rsync has begun with this file, so those before it are in place. */
  begin(name: string): void {
    if (!this.#sizes.has(name) || this.#told.has(name)) return;
    this.#told.add(name);
    this.#begun.push(name);
    this.#wake();
  }

  /** rsync has ended: answers when all is hashed. Throws when a file cannot be read, or does not get to the disk. */
  over(): Promise<void> {
    this.#isOver = true;
    this.#wake();
    return this.#work;
  }

  /** Nobody wants to know any more. */
  giveUp(): void {
    this.#stop.abort();
    this.#wake();
  }

  async #run(): Promise<void> {
    try {
      await this.#takeAll();
    } finally {
      await Promise.allSettled(this.#finishing);
    }
    await Promise.all(this.#finishing);
  }

  async #takeAll(): Promise<void> {
    for (;;) {
      this.#stop.signal.throwIfAborted();
      const [name] = this.#begun;
      if (name !== undefined) await this.#take(name);
      else if (this.#isOver) return;
      else await this.#news();
    }
  }

  async #take(name: string): Promise<void> {
    const isLarge = (this.#sizes.get(name) ?? 0) >= LARGE_BYTES;
    const path = pathOf(this.#folder, name);
    let reading: Reading | undefined;
    try {
      while (!this.#isInPlace()) {
        if (isLarge) reading ??= await this.#draftOf(name);
        await reading?.goOn();
        if (!this.#isInPlace()) await this.#news();
      }
      if (!(await reading?.isAt(path))) {
        await reading?.close();
        reading = await Reading.of(path, this.#stop.signal);
      }
      if (this.#finishing.length >= FLUSHES) await this.#finishing.shift();
      if (reading !== undefined) this.#finish(reading);
      reading = undefined;
    } finally {
      await reading?.close();
      this.#begun.shift();
    }
  }

  /** Goes on while the next file is taken. */
  #finish(reading: Reading): void {
    const finishing = reading.finish(this.#sums).finally(() => reading.close());
    finishing.catch(() => {}); // `run` throws it
    this.#finishing.push(finishing);
  }

  #isInPlace(): boolean {
    this.#stop.signal.throwIfAborted();
    return this.#begun.length > 1 || this.#isOver;
  }

  /** The file under the name that it has while rsync writes it, from its beginning to its end: `.NAME.AbC123`. */
  async #draftOf(name: string): Promise<Reading | undefined> {
    const folder = folderOf(name);
    const inside = await readdir(pathOf(this.#folder, folder), { encoding: "buffer" }).catch(() => []);
    const start = `.${folder === "" ? name : name.slice(folder.length + 1)}.`;
    const drafts = inside.map((one) => one.toString("latin1")).filter((one) => one.startsWith(start));
    const draft = drafts.find((one) => one.length === start.length + 6);
    if (draft === undefined) return undefined;
    return Reading.of(pathOf(this.#folder, folder === "" ? draft : `${folder}/${draft}`), this.#stop.signal);
  }

  /** Resolves when something has happened, or after a moment. */
  #news(): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, LOOK_MS);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}

/** A file that is being hashed, and may still grow. */
class Reading {
  readonly #file: FileHandle;
  readonly #signal: AbortSignal;
  readonly #hash = createHash("sha256");
  #bytes = 0;
  #flushed = 0;

  private constructor(file: FileHandle, signal: AbortSignal) {
    this.#file = file;
    this.#signal = signal;
  }

  /** undefined = it is not there. */
  static async of(path: Buffer, signal: AbortSignal): Promise<Reading | undefined> {
    const file = await open(path).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== "ENOENT") throw error;
      return undefined;
    });
    return file && new Reading(file, signal);
  }

  async isAt(path: Buffer): Promise<boolean> {
    const [own, there] = await Promise.all([this.#file.stat(), stat(path).catch(() => undefined)]);
    return own.ino === there?.ino && own.dev === there.dev;
  }

  /** Reads on to its present end. */
  async goOn(): Promise<void> {
    this.#bytes += await hashOn(this.#file, this.#hash, this.#signal);
    if (this.#bytes - this.#flushed < FLUSH_BYTES) return;
    await this.#file.datasync();
    this.#flushed = this.#bytes;
  }

  async finish(sums: Sums): Promise<void> {
    await this.goOn();
    await this.#file.sync();
    const entry = await this.#file.stat({ bigint: true });
    if (entry.size === BigInt(this.#bytes)) sums.note(entry, this.#hash.digest("hex"), true);
  }

  close(): Promise<void> {
    return this.#file.close();
  }
}
