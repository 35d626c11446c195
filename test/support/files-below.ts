import { lstatSync, readdirSync } from "node:fs";
import { join } from "node:path";

/**
 * The files below a folder, relative to it. What goes away meanwhile is none, and links are not followed: those of a
 * machine lead to what this computer shares with it.
 */
export function filesBelow(folder: string, below = ""): string[] {
  return listIfThere(join(folder, below)).flatMap((name) => {
    const path = join(below, name);
    const entry = lstatSync(join(folder, path), { throwIfNoEntry: false });
    if (entry?.isDirectory()) return filesBelow(folder, path);
    return entry?.isFile() ? [path] : [];
  });
}

/** Empty when it is not there, or not any more. */
export function listIfThere(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
