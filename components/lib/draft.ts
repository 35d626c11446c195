import { randomBytes } from "node:crypto";
import { closeSync, fsyncSync, linkSync, openSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { onDisk } from "./disk.ts";

/** A path beside this one that is nobody else's. */
export function draftOf(path: string): string {
  return `${path}.${process.pid}.${randomBytes(4).toString("hex")}`;
}

/**
 * Writes a private file (0600) in one step: whoever reads it finds the old text or the new one, never a part, also after the
 * machine lost its power. Throws DiskError.
 */
export function writeWhole(file: string, text: string | Buffer): void {
  throughDraft(file, text, (draft) => renameSync(draft, file));
}

/** The text of a private file (0600) that is made only once, whoever comes first. Throws DiskError when it has to be made. */
export function readOrMake(file: string, make: () => string): string {
  return readFileIfThere(file) ?? createOnce(file, make());
}

/** On disk when it returns. Of a folder: the names in it. */
export function flush(path: string | Buffer): void {
  const handle = openSync(path, "r");
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}

function throughDraft(file: string, text: string | Buffer, place: (draft: string) => void): void {
  const draft = draftOf(file);
  try {
    onDisk(file, () => {
      // All of it: a disk that is nearly full may take a part and say nothing.
      writeFileSync(draft, text, { mode: 0o600, flag: "wx", flush: true });
      place(draft);
      flush(dirname(file));
    });
  } finally {
    // Of a full disk half a draft would stay.
    rmSync(draft, { force: true });
  }
}

/** Whoever links it first wins, everyone reads the winner's text. */
function createOnce(file: string, text: string): string {
  throughDraft(file, text, (draft) => {
    try {
      linkSync(draft, file);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    }
  });
  return readFileSync(file, "utf8");
}

function readFileIfThere(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}
