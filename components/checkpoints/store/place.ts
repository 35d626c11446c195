import { lstatSync, mkdirSync, unlinkSync } from "node:fs";
import { entryAt, pathOf } from "./files.ts";

/** A verified file of this size or more is not displaced by one that is empty or has shrunk below half. */
const LARGE_BYTES = 1_000_000;
const LEAST_SHARE = 0.5;

/** Is a file that a machine has now too small to take the place of the one that was verified? */
export function isSuspect(before: number, now: number): boolean {
  return before >= LARGE_BYTES && (now === 0 || now < before * LEAST_SHARE);
}

/** A name for what comes home beside something. */
export function besideName(name: string, at: Date): string {
  return `${name}.from-${at.toISOString().replace(/[-:]|\.\d+/g, "")}`;
}

/**
 * The name under which a file can lie at home: its own, unless a part of its way is a file there, or a folder has its
 * name; then it comes home beside that. Folders on the way are made. A link on the way is a link no more: it may lead out.
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
