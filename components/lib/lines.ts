import {
  closeSync,
  constants,
  fchmodSync,
  fstatSync,
  fsyncSync,
  lstatSync,
  openSync,
  readdirSync,
  readSync,
  rmSync,
  writeSync,
} from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { onDisk } from "./disk.ts";

/** At this size a new file of ours is begun. Bytes. */
const MOST_BYTES = 128 * 1024;
/** Only so much of the end of any file is read: all of one of ours. Bytes. */
const MOST_READ = 2 * MOST_BYTES;
/** At most so many files of a folder are read, ours first. */
const MOST_FILES = 64;
const SUFFIX = ".jsonl";

/** The beginning of our file names: this user on this host. */
function ownStem(): string {
  return `${hostname()
    .replace(/[^\w-]/g, "_")
    .slice(0, 64)}-${process.getuid?.() ?? 0}`;
}

/** What stays of lines whose file is removed, beside those of the files that are kept. */
export type Carry = (removed: readonly string[], kept: readonly string[]) => readonly string[];

/**
 * Appends a line to the newest file of this user and host in a folder; on disk when it returns. Others may read the
 * file (644). Nothing is moved or overwritten, so that several processes may append at once: when the newest file is
 * full another one is begun, and all but the last two are removed. What is carried over is in the new file before that,
 * twice when two processes do so at once. Throws DiskError, or why the file is not ours.
 *
 * @param carry default: nothing stays of what is removed
 */
export function appendLine(folder: string, text: string, carry: Carry = () => []): void {
  onDisk(folder, () => {
    const own = ownNumbers(folder);
    const last = own.at(-1) ?? 1;
    const isFull = (lstatSync(fileOf(folder, last), { throwIfNoEntry: false })?.size ?? 0) >= MOST_BYTES;
    if (!isFull) return append(fileOf(folder, last), text);
    const old = own.slice(0, -1).map((number) => fileOf(folder, number));
    append(fileOf(folder, last + 1), [...carriedFrom(folder, old, carry), text].join("\n"));
    for (const file of old) rmSync(file, { force: true });
  });
}

function carriedFrom(folder: string, old: readonly string[], carry: Carry): readonly string[] {
  if (old.length === 0) return [];
  const kept = filesIn(folder).filter((file) => !old.includes(file));
  return carry(old.flatMap(linesOf), kept.flatMap(linesOf));
}

function append(file: string, text: string): void {
  const handle = openSync(file, constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | GUARDED, 0o644);
  try {
    const stat = fstatSync(handle);
    if (!stat.isFile() || stat.uid !== process.getuid?.()) throw new Error(`${file} is not a file of yours`);
    // Whatever the umask is.
    if ((stat.mode & 0o777) !== 0o644) fchmodSync(handle, 0o644);
    // Ends a line that a full disk has cut off.
    writeSync(handle, `\n${text}\n`);
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}

/** Follows no link and waits for no pipe that somebody has put there. */
const GUARDED = constants.O_NOFOLLOW | constants.O_NONBLOCK;

/** Numbers of our files in a folder, in order, without what others have put there under our name. */
function ownNumbers(folder: string): number[] {
  const shape = new RegExp(`^${ownStem()}\\.(\\d{1,9})\\${SUFFIX}$`);
  const numbers = readdirSync(folder).map((name) => Number(shape.exec(name)?.[1]));
  const isOurs = (number: number) =>
    number > 0 && lstatSync(fileOf(folder, number), { throwIfNoEntry: false })?.uid === process.getuid?.();
  return numbers.filter(isOurs).sort((one, other) => one - other);
}

function fileOf(folder: string, number: number): string {
  return join(folder, `${ownStem()}.${number}${SUFFIX}`);
}

/** The lines of everybody's files in a folder, as they are. A file that cannot be read has none. Throws when the folder cannot be. */
export function linesIn(folder: string): string[] {
  return filesIn(folder).flatMap(linesOf);
}

function filesIn(folder: string): string[] {
  const names = onDisk(folder, () => readdirSync(folder)).filter((name) => name.endsWith(SUFFIX));
  const isOurs = (name: string) => name.startsWith(`${ownStem()}.`);
  const oursFirst = names.sort((one, other) => Number(isOurs(other)) - Number(isOurs(one)));
  return oursFirst.slice(0, MOST_FILES).map((name) => join(folder, name));
}

function linesOf(file: string): string[] {
  return endOf(file).split("\n");
}

/** The end of a file, from a line's beginning on. */
function endOf(file: string): string {
  try {
    const handle = openSync(file, constants.O_RDONLY | GUARDED);
    try {
      const stat = fstatSync(handle);
      if (!stat.isFile()) return "";
      const from = Math.max(stat.size - MOST_READ, 0);
      const bytes = Buffer.alloc(Math.min(stat.size, MOST_READ));
      const read = readSync(handle, bytes, 0, bytes.length, from);
      const text = bytes.toString("utf8", 0, read);
      return from === 0 ? text : text.slice(text.indexOf("\n") + 1);
    } finally {
      closeSync(handle);
    }
  } catch {
    return "";
  }
}
