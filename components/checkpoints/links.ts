import { lstatSync, readlinkSync, symlinkSync, unlinkSync } from "node:fs";
import { posix } from "node:path";
import { pathOf, shownName } from "./store/files.ts";

/**
 * Ends of symbolic links, by relative path: each end is a path in the same folder ("" = the folder itself) with no
 * links in it. Both are bytes kept as latin1 text, without parts such as `..`.
 */
export type Links = ReadonlyMap<string, string>;

/** A link on the machine that cannot be followed: what is behind it is not known. */
export interface RefusedLink {
  /** Relative path, latin1; "" = the folder itself, or a link on the way to it. */
  readonly name: string;
  /** Where it leads on the machine, latin1. */
  readonly end: string;
  /** Why: a word of the script on the machine. */
  readonly why: string;
}

const WHY: Readonly<Record<string, string>> = {
  dangles: "which is not there: a disk may not be mounted",
  holds: "which holds what is fetched already",
  system: "which is the machine's own and holds no checkpoints",
  many: "and 100 folders and 1000 files outside are fetched already",
};

/** A clause for people: "run1 leads to /data/run1, which is not there: a disk may not be mounted". */
export function refusedText({ name, end, why }: RefusedLink): string {
  const what = name === "" ? "the folder of checkpoints" : shownName(name).slice(0, 80);
  if (why === "unresolved") return `${what} leads round in a circle, or nowhere that can be looked at`;
  return `${what} leads to ${shownName(end).slice(0, 120)}, ${WHY[why] ?? "which cannot be followed"}`;
}

/**
 * Makes links at home as they are on the machine, each straight to its end, so that none leads out of the folder. Not
 * left to rsync: some versions can be led out by links that a machine sends. Anything there that is not a link stays.
 */
export function placeLinks(folder: string, links: Links): void {
  for (const [name, end] of links) {
    if (!isRealFolder(folder, posix.dirname(name))) continue;
    try {
      placeLink(pathOf(folder, name), linkTarget(name, end));
    } catch {
      // A disk may refuse a link; only the files were promised.
    }
  }
}

/** The relative path from a link to its end: `..` only at its beginning, and never above the folder. */
export function linkTarget(name: string, end: string): string {
  return posix.relative(posix.dirname(`/${name}`), `/${end}`) || ".";
}

/** Is every part of the path a real folder here, and no link? */
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
