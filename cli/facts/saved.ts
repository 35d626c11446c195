import { statSync } from "node:fs";
import type { Manifest } from "../../components/checkpoints/manifest.ts";
import { type Content, folderOf, pathOf, shownName } from "../../components/checkpoints/store/files.ts";
import type { PullRecord } from "../../components/checkpoints/store/record.ts";
import type { Saved } from "./facts.ts";

/** The files of one checkpoint. */
interface Newest {
  readonly name: string;
  readonly files: readonly (readonly [name: string, content: Content])[];
}

const NONE: Saved = { name: null, bytes: 0, isHome: false };

/** The newest checkpoint on the machine, and whether it is home by what was recorded there. */
export function savedOn(files: Manifest, record: PullRecord | undefined): Saved {
  // inode, mtime, ctime
  const newest = newestOf([...files], ([, { stamp }]) => Number(stamp.split(" ")[1]));
  if (newest === undefined) return NONE;
  return savedAs(
    newest,
    newest.files.every(([name, { size }]) => record?.files.get(name)?.size === size),
  );
}

/** The newest checkpoint that is home. */
export function savedAtHome(home: string, record: PullRecord | undefined): Saved {
  const newest = newestOf([...(record?.files ?? [])], ([name, { place = name }]) => {
    return statSync(pathOf(home, place), { throwIfNoEntry: false })?.mtimeMs ?? 0;
  });
  return newest === undefined ? NONE : savedAs(newest, true);
}

function savedAs({ name, files }: Newest, isHome: boolean): Saved {
  return { name: shownName(name), bytes: files.reduce((sum, [, { size }]) => sum + size, 0), isHome };
}

/** What a name says that is still being saved; as in components/remote/newest.py. */
export const TEMPORARY = /(^|[._~-])(tmp|partial|incomplete)([._-]|\d|$)|^\.?tmp|~$|\.part$/i;

/** The checkpoint that the file of the latest time belongs to, of those that are not being saved any more. */
function newestOf<Row extends readonly [name: string, content: Content]>(
  all: readonly Row[],
  timeOf: (row: Row) => number,
): Newest | undefined {
  const rows = all.filter(([file]) => !file.split("/").some((part) => TEMPORARY.test(part)));
  const times = new Map(rows.map((row) => [row, timeOf(row)]));
  const [last] = rows.toSorted((one, other) => (times.get(other) ?? 0) - (times.get(one) ?? 0));
  if (last === undefined) return undefined;
  const name = checkpointOf(last[0]);
  return { name, files: rows.filter(([other]) => other === name || other.startsWith(`${name}/`)) };
}

/** The first part of a path that has a number, as "step_620" of "run/step_620/model/0.pt"; else the folder, else the file. */
function checkpointOf(file: string): string {
  const parts = file.split("/");
  const at = parts.findIndex((part) => /\d/.test(part));
  return at < 0 ? folderOf(file) || file : parts.slice(0, at + 1).join("/");
}
