import { lstatSync, readlinkSync, symlinkSync, unlinkSync } from "node:fs";
import { posix } from "node:path";
import { pathOf } from "./store/files.ts";

/** Targets of symbolic links by relative path; both are bytes, kept as latin1 text. */
export type Links = ReadonlyMap<string, string>;

/**
 * Makes links at home as they are on the machine, but for those that could lead out of the folder. rsync is not asked to:
 * some versions can be led out by links that a machine sends. What is there and is no link stays.
 */
export function placeLinks(folder: string, links: Links): void {
  for (const [name, target] of links) {
    const safe = targetWithin(name, target);
    if (safe === undefined || !isRealFolder(folder, posix.dirname(name))) continue;
    try {
      placeLink(pathOf(folder, name), safe);
    } catch {
      // No disk has to take every link; the files are what was promised.
    }
  }
}

/**
 * The target without detours, when it cannot lead out whatever lies on its way: it goes up only at its beginning, and no
 * higher than the folder. undefined = it may.
 */
export function targetWithin(name: string, target: string): string | undefined {
  const plain = posix.normalize(target);
  const depth = name.split("/").length - 1;
  const ups = plain.split("/").filter((part) => part === "..").length;
  return target === "" || plain.startsWith("/") || ups > depth ? undefined : plain;
}

/** Every part of the way is a folder here, and no link. */
function isRealFolder(folder: string, below: string): boolean {
  const parts = below === "." ? [] : below.split("/");
  return parts.every((_, at) => {
    try {
      return lstatSync(pathOf(folder, parts.slice(0, at + 1).join("/"))).isDirectory();
    } catch {
      return false;
    }
  });
}

function placeLink(path: Buffer, target: string): void {
  const bytes = Buffer.from(target, "latin1");
  const entry = lstatSync(path, { throwIfNoEntry: false });
  if (entry !== undefined && !entry.isSymbolicLink()) return;
  if (entry !== undefined) {
    if (readlinkSync(path, "buffer").equals(bytes)) return;
    unlinkSync(path);
  }
  symlinkSync(bytes, path);
}
