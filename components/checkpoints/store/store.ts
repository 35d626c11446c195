import {
  linkSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmdirSync,
  rmSync,
  statfsSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { diskError, lacksLinks } from "../../lib/disk.ts";
import { flush } from "../../lib/draft.ts";
import { sizeText } from "../../lib/text.ts";
import { remoteError } from "../../ssh/remote-error.ts";
import { type Content, type Contents, entryAt, folderOf, holds, learnSum, pathOf, shownName, sizeAt } from "./files.ts";
import { type Lock, type LockOptions, takeLock } from "./lock.ts";
import { besideName, isSuspect, openWay } from "./place.ts";
import {
  type Coming,
  comingOf,
  forgetComing,
  noteComing,
  noteRecord,
  type PullRecord,
  recordOf,
  type StoredFile,
} from "./record.ts";
import { Sums } from "./sums.ts";

export interface StoreOptions extends LockOptions {
  /** How many verified predecessors of a file are kept; default 1. */
  readonly keepPrevious?: number;
  /** A small file takes the place of a large one, as a log that was begun anew does; default false. */
  readonly mayShrink?: boolean;
  /** Default: now. */
  readonly at?: Date;
}

/** Name of the mark in a folder of which files are missing. */
const MARK = "INCOMPLETE.by-vast-run.txt";

/**
 * The checkpoints of a machine that are home. Files arrive in `incoming`, a folder beside it, and are renamed into
 * place once verified. What was verified before stays, as a predecessor in `HOME.previous/1` or under its own name.
 * Only one process at a time changes it.
 */
export class Store {
  readonly home: string;
  /** Where files are copied to. What an interrupted pull has left there is continued. */
  readonly incoming: string;
  readonly #lock: Lock;
  readonly #keep: number;
  readonly #mayShrink: boolean;
  readonly #at: Date;
  /** Verified files at home, by their name on the machine. */
  readonly #kept: Map<string, StoredFile>;
  /** Files about to be stored, by this pull or one that did not finish: they were verified before. */
  readonly #coming: Coming[];
  readonly #beside: string[] = [];

  private constructor(
    home: string,
    lock: Lock,
    { keepPrevious = 1, mayShrink = false, at = new Date() }: StoreOptions,
  ) {
    this.home = home;
    this.incoming = `${home}.incoming`;
    this.#lock = lock;
    this.#keep = keepPrevious;
    this.#mayShrink = mayShrink;
    this.#at = at;
    this.#kept = new Map(recordOf(home)?.files);
    this.#coming = comingOf(home);
  }

  /** Waits until nobody else works on it. Throws RemoteError when the folder cannot be used. */
  static async open(home: string, options: StoreOptions): Promise<Store> {
    makeFolder(home);
    const folder = `${home}.lock`;
    const lock = await takeLock(folder, options).catch((error) => {
      throw unusable(folder, error);
    });
    return new Store(home, lock, options);
  }

  close(): void {
    this.#lock.release();
  }

  /** Names of files that are certainly not home, by their sizes. */
  missing(files: Contents): string[] {
    return [...files].filter(([name, file]) => this.#alike(name, file).length === 0).map(([name]) => name);
  }

  /** Paths at home that may hold it. */
  #alike(name: string, { size }: Content): Buffer[] {
    const places = new Set([name, this.#kept.get(name)?.place ?? name]);
    return [...places].map((place) => pathOf(this.home, place)).filter((path) => sizeAt(path) === size);
  }

  /** Hashes what may be these files, so that `lacking` need not: the sums of the machine may come meanwhile. */
  async hash(files: Contents, sums: Sums, onHashed: (bytes: number) => void, signal: AbortSignal): Promise<void> {
    let hashed = 0;
    for (const [name, file] of files) {
      for (const path of this.#alike(name, file)) await learnSum(path, sums, signal);
      hashed += file.size;
      onHashed(hashed);
    }
  }

  /** Names of the machine's files that are missing at home or differ there. */
  async lacking(files: Contents, sums?: Sums): Promise<string[]> {
    const names: string[] = [];
    for (const [name, file] of files) if (!(await this.#holds(name, file, sums))) names.push(name);
    return names;
  }

  async #holds(name: string, file: Content, sums: Sums | undefined): Promise<boolean> {
    const { place, sha256 } = this.#kept.get(name) ?? {};
    const isBeside = place !== undefined && sha256 === file.sha256;
    if (!(await holds(pathOf(this.home, isBeside ? place : name), file, sums))) return false;
    this.#kept.set(name, { ...file, ...(isBeside ? { place } : {}) });
    return true;
  }

  /** Is some verified version of it at home? */
  has(name: string): boolean {
    const kept = this.#kept.get(name);
    return kept !== undefined && sizeAt(pathOf(this.home, kept.place ?? name)) === kept.size;
  }

  /** Throws `disk_full` when there is no room for these files beside what is there: nothing is removed for them. */
  checkRoom(files: Contents, names: readonly string[], bytesOnDisk: (name: string) => number): void {
    const coming = names.filter((name) => sizeAt(pathOf(this.incoming, name)) !== files.get(name)?.size);
    checkRoom(
      this.home,
      coming.reduce((sum, name) => sum + bytesOnDisk(name), 0),
    );
  }

  /** Stores the copied files that match the machine's manifest; answers with the names of the others. */
  async take(
    files: Contents,
    names: readonly string[],
    onChecked: (bytes: number) => void,
    sums = new Sums(),
  ): Promise<string[]> {
    const wrong: string[] = [];
    let checked = 0;
    for (const name of names) {
      const file = files.get(name);
      const copied = pathOf(this.incoming, name);
      if (file !== undefined && (await holds(copied, file, sums)))
        await this.#place(name, file, copied, sums.isFlushed(copied));
      else wrong.push(name);
      checked += file?.size ?? 0;
      onChecked(checked);
    }
    return wrong;
  }

  /** Throws when another process has taken over; then nothing may be changed any more. */
  renew(): void {
    this.#lock.renew();
  }

  async #place(name: string, file: Content, copied: Buffer, isFlushed: boolean): Promise<void> {
    const open = openWay(this.home, name, this.#at);
    const before = sizeAt(pathOf(this.home, open));
    const isVerified = before !== undefined && (await this.#isVerified(open));
    const isBeside = before !== undefined && isVerified && !this.#mayShrink && isSuspect(before, file.size);
    const place = isBeside ? besideName(open, this.#at) : open;
    // Content before name: whoever sees the name may release the machine.
    if (!isFlushed) flush(copied);
    // Without the lock nothing is renamed.
    this.renew();
    if (isVerified && !isBeside) this.#keepPredecessor(open);
    renameSync(copied, pathOf(this.home, place));
    this.#kept.set(name, { ...file, ...(place === name ? {} : { place }) });
    if (place !== name) this.#beside.push(whyBeside(name, place, isBeside ? before : undefined, file.size));
  }

  /**
   * Is it worth keeping? Yes when it is as it was verified, or not recorded: it may be the only copy. No when it has
   * changed: it is damaged.
   */
  async #isVerified(name: string): Promise<boolean> {
    const kept = this.#kept.get(name);
    if (kept === undefined || kept.place !== undefined) return true;
    const path = pathOf(this.home, name);
    for (const content of [kept, ...this.#coming.filter((coming) => coming.name === name)]) {
      if (await holds(path, content)) return true;
    }
    return false;
  }

  /** Makes a second name, so that at no moment the first is missing. */
  #keepPredecessor(name: string): void {
    if (this.#keep === 0) return;
    const folder = (number: number) => `${this.home}.previous/${number}`;
    for (let number = this.#keep - 1; number >= 1; number--) {
      if (sizeAt(pathOf(folder(number), name)) === undefined) continue;
      mkdirSync(folder(number + 1), { recursive: true });
      renameSync(pathOf(folder(number), name), freeWay(folder(number + 1), name, this.#at));
    }
    mkdirSync(folder(1), { recursive: true });
    const place = freeWay(folder(1), name, this.#at);
    rmSync(place, { force: true });
    secondName(pathOf(this.home, name), place);
  }

  /**
   * Notes which files are about to be stored, and marks their folders: if this stops midway, they mix two versions, or
   * lack files.
   */
  begin(files: Contents, names: readonly string[]): void {
    for (const name of names) {
      const file = files.get(name);
      if (file !== undefined) this.#coming.push({ name, size: file.size, sha256: file.sha256 });
    }
    this.renew();
    noteComing(this.home, this.#coming);
    for (const [folder, inside] of byFolder(names)) {
      if (!files.has(markOf(folder))) this.#writeMark(folder, markText(inside, inside.length, this.#at));
    }
  }

  /**
   * Marks folders of which files are missing, so that none is taken for complete, and removes the mark where nothing is
   * missing. Answers with the marked folders, for people.
   *
   * @param listed every name that the machine has shown in this pull
   * @param missing those of them that are not home
   */
  mark(listed: ReadonlySet<string>, missing: ReadonlySet<string>): string[] {
    const marked: string[] = [];
    for (const [folder, inside] of byFolder(listed)) {
      const lacking = inside.filter((name) => missing.has(name));
      const there = inside.length - lacking.length;
      // Somebody put a marked folder on the machine: the mark came home with it, and stays.
      const isOurs = !listed.has(markOf(folder));
      if (isOurs) this.#takeMarkAway(folder);
      // A folder that never came cannot be taken for complete.
      if (lacking.length === 0 || entryAt(pathOf(this.home, folder))?.isDirectory() !== true) continue;
      if (isOurs) this.#writeMark(folder, markText(lacking, inside.length, this.#at));
      marked.push(`${shownName(folder)} (${there} of ${inside.length} files)`);
    }
    return marked;
  }

  #writeMark(folder: string, text: string): void {
    this.renew();
    writeFileSync(pathOf(this.home, openWay(this.home, markOf(folder), this.#at)), text);
  }

  /** Removes the folder too when nothing else is in it. */
  #takeMarkAway(folder: string): void {
    const path = pathOf(this.home, folder);
    if (entryAt(path)?.isDirectory() !== true) return;
    this.renew();
    rmSync(pathOf(this.home, markOf(folder)), { force: true });
    if (readdirSync(path).length === 0) rmdirSync(path);
  }

  /** Files that came home under another name, and why; a sentence each. */
  get beside(): readonly string[] {
    return this.#beside;
  }

  /** Does the machine have nothing any more, and had files? That proves nothing: its disk may not be mounted. */
  isEmptied(files: Contents): boolean {
    return files.size === 0 && this.#kept.size > 0;
  }

  /**
   * Records what is at home, and removes copies that are not needed. Of a machine that was emptied the files stay on
   * record, and nothing counts as ended.
   */
  finish(files: Contents, ended: PullRecord["ended"]): void {
    this.renew();
    const verifiedAt = new Date().toISOString();
    if (this.isEmptied(files)) {
      noteRecord(this.home, { verifiedAt, ended: null, files: this.#kept });
    } else {
      const kept = [...files.keys()].map((name): [string, StoredFile | undefined] => [name, this.#kept.get(name)]);
      const known = kept.filter((row): row is [string, StoredFile] => row[1] !== undefined);
      noteRecord(this.home, { verifiedAt, ended, files: new Map(known) });
    }
    forgetComing(this.home);
    rmSync(this.incoming, { recursive: true, force: true });
  }
}

function markOf(folder: string): string {
  return `${folder}/${MARK}`;
}

/** All names below each folder, the deepest folders first; those in the top folder are in none. */
function byFolder(names: Iterable<string>): [folder: string, inside: string[]][] {
  const folders = new Map<string, string[]>();
  for (const name of names) {
    for (let folder = folderOf(name); folder !== ""; folder = folderOf(folder)) {
      const inside = folders.get(folder) ?? [];
      folders.set(folder, inside);
      inside.push(name);
    }
  }
  return [...folders].sort(([one], [other]) => other.length - one.length);
}

/** Bytes needed for the files that are not at home, judged by their size. For a look before anything is changed. */
export function bytesLacking(home: string, files: Contents, bytesOnDisk: (name: string) => number): number {
  const coming = [...files].filter(([name, { size }]) => {
    return sizeAt(pathOf(home, name)) !== size && sizeAt(pathOf(`${home}.incoming`, name)) !== size;
  });
  return coming.reduce((sum, [name]) => sum + bytesOnDisk(name), 0);
}

/** Throws `disk_full` with bytes and path. */
export function checkRoom(home: string, needed: number): void {
  const { bavail, bsize } = statfsSync(home);
  if (needed <= bavail * bsize) return;
  throw remoteError(
    "disk_full",
    `${home} has room for ${sizeText(bavail * bsize)} and needs ${sizeText(needed)}, because what is there stays until the new files are verified`,
  );
}

/** Opens a store for one action. Throws RemoteError, also when its disk cannot be used any more meanwhile. */
export async function withStore<T>(
  home: string,
  options: StoreOptions,
  action: (store: Store) => Promise<T>,
): Promise<T> {
  const store = await Store.open(home, options);
  try {
    return await action(store);
  } catch (error) {
    throw unusable(home, error);
  } finally {
    store.close();
  }
}

/** Makes a folder that can be written to. Throws RemoteError. */
export function makeFolder(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true });
    const probe = `${folder}/.write-${process.pid}`;
    writeFileSync(probe, "");
    unlinkSync(probe);
  } catch (error) {
    throw unusable(folder, error);
  }
}

/** The error of a file system about a folder, as a sentence; any other error stays. */
function unusable(folder: string, error: unknown): unknown {
  const code = diskError(error, folder)?.code;
  if (code === undefined) return error;
  if (["ENOSPC", "EDQUOT"].includes(code)) return remoteError("disk_full", `no room is left for ${folder} (${code})`);
  if (lacksLinks(error)) {
    return remoteError(
      "failed",
      `the disk of ${folder} has no hard links (${code}), and without them two processes cannot be kept apart; set checkpointsTo to another disk`,
    );
  }
  return remoteError("failed", `${folder} cannot be written to (${code})`);
}

/** A free path for a file below a folder of predecessors. */
function freeWay(folder: string, name: string, at: Date): Buffer {
  return pathOf(folder, openWay(folder, name, at));
}

/** Makes a hard link where the disk can, else moves the file. */
function secondName(path: Buffer, second: Buffer): void {
  try {
    linkSync(path, second);
  } catch {
    renameSync(path, second);
  }
}

function markText(lacking: readonly string[], of: number, at: Date): string {
  const names = lacking.map((name) => `  ${shownName(name)}`);
  const head = `Of ${of} files that the machine had in this folder these were not here at ${at.toISOString()}:`;
  return [head, ...names, ""].join("\n");
}

/** What came home under another name, and why. */
function whyBeside(name: string, place: string, before: number | undefined, now: number): string {
  const came = `${shownName(name)} came home as ${shownName(place)}`;
  return before === undefined
    ? `${came}, because something else of that name is there`
    : `${came}: it has ${sizeText(now)} on the machine now and had ${sizeText(before)} when it was verified, which stays`;
}
