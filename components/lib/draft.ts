import { randomBytes } from "node:crypto";
import { closeSync, fsyncSync, linkSync, openSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { onDisk } from "./disk.ts";

/** A path beside this one that no other process uses. */
export function draftOf(path: string): string {
  return `${path}.${process.pid}.${randomBytes(4).toString("hex")}`;
}

/**
 * Writes a private file (0600) in one step: a reader finds the old text or the new one, never a part, even after a loss
 * of power. Throws DiskError.
 */
export function writeWhole(file: string, text: string | Buffer): void {
  throughDraft(file, text, (draft) => renameSync(draft, file));
}

/**
 * The text of a private file (0600), which the first process to come makes. Throws DiskError when it has to be made.
 */
export function readOrMake(file: string, make: () => string): string {
  return readFileIfThere(file) ?? createOnce(file, make());
}

/** Flushes a file to disk; of a folder, the names in it. */
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
      // Writes all of it: a nearly full disk may take only a part, without an error.
      writeFileSync(draft, text, { mode: 0o600, flag: "wx", flush: true });
      place(draft);
      flush(dirname(file));
    });
  } finally {
    // Else a full disk would keep half a draft.
    rmSync(draft, { force: true });
  }
}

/** The first process to link its draft wins; all read the winner's text. */
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
