import { lstatSync, mkdirSync, unlinkSync } from "node:fs";
import { entryAt, pathOf } from "./files.ts";

/** A verified file of this size or more is not displaced by one that is empty or has shrunk below half. */
const LARGE_BYTES = 1_000_000;
const LEAST_SHARE = 0.5;

/** Is the machine's file now too small to replace the verified one? */
export function isSuspect(before: number, now: number): boolean {
  return before >= LARGE_BYTES && (now === 0 || now < before * LEAST_SHARE);
}

/** A name for a file that comes home beside another one. */
export function besideName(name: string, at: Date): string {
  return `${name}.from-${at.toISOString().replace(/[-:]|\.\d+/g, "")}`;
}

/**
 * The name under which a file can be stored at home: its own, unless a part of its path is a file there, or a folder
 * has its name; then one beside that. Makes the folders on its path. Removes a link on the path, because it may lead
 * out.
 */
export function openWay(home: string, name: string, at: Date): string {
  const parts = name.split("/");
  const last = parts.length - 1;
  for (let index = 0; index <= last; index++) {
    const here = () => pathOf(home, parts.slice(0, index + 1).join("/"));
    if (entryAt(here())?.isSymbolicLink()) unlinkSync(here());
    const entry = entryAt(here());
    const isFolder = entry?.isDirectory() ?? false;
    if (entry !== undefined && isFolder === (index === last)) parts[index] = besideName(parts[index] ?? "", at);
    if (index < last) makeFolder(here());
  }
  return parts.join("/");
}

function makeFolder(path: Buffer): void {
  if (entryAt(path) === undefined) mkdirSync(path);
  if (!lstatSync(path).isDirectory()) throw new Error(`${path.toString()} is no folder`);
}
