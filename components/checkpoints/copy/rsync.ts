import { readdirSync, type Stats } from "node:fs";
import { type Cut, FOREVER_MS, startProgram } from "../../programs/program.ts";
import { type RemoteError, remoteError } from "../../ssh/remote-error.ts";
import { type Login, lastWords, STEP_LIMIT_MS, sshTo } from "../../ssh/run-script.ts";
import { shellLine } from "../../ssh/ssh-key.ts";
import { entryAt } from "../store/files.ts";
import { PACE, type Pace, watchPace } from "./pace.ts";

/** A copy from a machine to here. */
export interface Copy {
  /** Folder on the machine. */
  readonly from: string;
  /** Folder here; exists. A partial file there is continued. */
  readonly to: string;
  /** Sizes of the files to copy, by name (latin1); nothing else comes. */
  readonly sizes: ReadonlyMap<string, number>;
  /** What they take on disk in all, bytes: less than their sizes where they have holes. */
  readonly onDisk: number;
  /** Compare contents instead of size and time. */
  readonly checksum: boolean;
  /** Send it compressed, so that holes take next to nothing on the way; default false, because checkpoints do not shrink. */
  readonly compress?: boolean;
  /** The least that must arrive; default 1 MB in 5 minutes. */
  readonly pace?: Pace;
  /** Told each name when its copy begins: those before it are in place then. */
  readonly begins?: (name: string) => void;
}

/** A connection that is silent for so long is given up, seconds. */
const SILENCE_SECONDS = 300;

/** Between two looks at how much has arrived. */
const LOOK_EVERY_MS = 2000;

/** A file may have grown since it was listed, but not without end. */
const GROWTH = 1.1;
const GROWTH_BYTES = 64 * 1024 * 1024;

function mostBytes(bytes: number): number {
  return Math.ceil(bytes * GROWTH) + GROWTH_BYTES;
}

/**
 * Arguments of rsync. A machine is not trusted: no links, no devices, no set-uid bits, only the files named on standard
 * input, and none larger than the limit set for the process. Links on the machine are followed there (`--copy-links`);
 * none is created here.
 */
function words(machine: Login, { from, to, sizes, onDisk, checksum, compress = false }: Copy): string[] {
  const all = [...sizes.values()].reduce((sum, size) => sum + size, 0);
  const limit = Math.ceil(mostBytes(Math.max(0, ...sizes.values())) / 1024);
  return [
    ...["bash", "-c", 'ulimit -f "$1" && shift && exec "$@"', "bash", String(limit)],
    "rsync",
    "-a",
    "--copy-links",
    "--no-links",
    "--no-devices",
    "--no-specials",
    "--no-owner",
    "--no-group",
    "--chmod=u+rwX,a-s",
    ...(onDisk < all ? ["--sparse"] : []),
    "--partial",
    // What an interrupted copy has left makes way: a folder for a file.
    "--force",
    `--timeout=${SILENCE_SECONDS}`,
    "--protect-args",
    "--ignore-missing-args",
    "--files-from=-",
    "--from0",
    ...(checksum ? ["--checksum"] : []),
    ...(compress ? ["--compress"] : []),
    ...["--info=progress2", `--out-format=${BEGINS}%n`, "--outbuf=L"],
    "-e",
    shellLine(sshTo(machine)),
    `root@${hostWord(machine.endpoint.host)}:${from}/`,
    `${to}/`,
  ];
}

/** Before the name of a file that begins; no progress looks like that. */
const BEGINS = "> ";

/** "> line\\#012break" -> "line\nbreak", latin1: in the C locale rsync writes other characters by their numbers. */
export function nameIn(line: string): string | undefined {
  if (!line.startsWith(BEGINS)) return undefined;
  const name = line.slice(BEGINS.length);
  return name.replace(/\\#(\d{3})/g, (_, octal) => String.fromCharCode(Number.parseInt(octal, 8)));
}

function hostWord(host: string): string {
  return host.includes(":") ? `[${host}]` : host;
}

const MOST_WORDS = 4000;

/** rsync's code for files that vanished meanwhile: the manifest decides whether that matters. */
const VANISHED = 24;

/** rsync's code when it has left out some files. */
const PARTIAL = 23;

/** Did it leave out only what the manifest decides about: files that vanished, or have names that no disk here can have? */
function isLeftOut(code: number | null, stderr: string): boolean {
  return code === VANISHED || (code === PARTIAL && /File name too long/.test(stderr));
}

/** Copies; `progress` hears of texts such as "45 %, 12.34MB/s". Throws RemoteError. */
export async function copy(
  machine: Login,
  what: Copy,
  progress: (text: string) => void,
  signal?: AbortSignal,
): Promise<void> {
  const most = mostBytes(what.onDisk);
  let broken: RemoteError | undefined;
  const end = (why: RemoteError) => {
    broken ??= why;
    rsync.end();
  };
  const arrived = (count: (file: Stats) => number) => bytesBelow(Buffer.from(what.to), count);
  // Of other copies, or one that was interrupted.
  const before = arrived(asListed);
  let looked = 0;
  const hear = (line: string) => {
    if (Date.now() - looked > LOOK_EVERY_MS) {
      looked = Date.now();
      if (arrived(asListed) - before > most) end(remoteError("failed", TOO_MUCH));
    }
    const name = nameIn(line);
    if (name !== undefined) return what.begins?.(name);
    const text = progressIn(line);
    if (text !== undefined) progress(text);
  };
  // With ./ in front no name is taken for an option.
  const names = [...what.sizes.keys()].map((name) => `./${name}\0`);
  const rsync = startProgram(words(machine, what), {
    env: { ...process.env, LC_ALL: "C" },
    input: Buffer.from(names.join(""), "latin1"),
    // A large copy tells its progress for hours.
    mostOutput: Number.POSITIVE_INFINITY,
    keepsOutput: false,
    keptComplaints: MOST_WORDS,
    onLine: (line, stream) => stream === "stdout" && hear(line),
    signal,
  });
  const calm = watchPace(paceOf(machine, what), () => arrived(inBlocks), end);
  const { code, stderr, cut, unstarted } = await rsync.ended;
  calm();
  if (unstarted !== undefined) throw remoteError("failed", `rsync cannot be run here: ${unstarted.message}`);
  if (broken !== undefined) throw broken;
  if (cut !== undefined) throw remoteError("failed", CUT[cut] ?? "the copy was called off");
  if (code !== 0 && !isLeftOut(code, stderr)) throw copyFailure(code, stderr.split("\n"), what.to);
}

const CUT: Partial<Record<Cut, string>> = { output: "the machine prints errors without end during the copy" };

/** While a machine compares contents it sends nothing, and has as long as any step. */
function paceOf({ limitMs = STEP_LIMIT_MS }: Login, { pace = PACE, checksum }: Copy): Pace {
  return checksum ? { ...pace, ms: Math.max(pace.ms, Math.min(limitMs, FOREVER_MS)) } : pace;
}

const TOO_MUCH = "the machine sends more than its manifest says";

/** Bytes that a file takes on disk, in whole blocks. */
const inBlocks = ({ blocks }: Stats) => blocks * 512;

/** Bytes that a file takes on disk as a manifest counts them: a file of one byte is one, though its block is larger. */
export const asListed = (entry: Stats) => Math.min(inBlocks(entry), entry.size);

/** All files below a folder; what vanishes meanwhile counts as nothing. */
export function bytesBelow(path: Buffer, count: (file: Stats) => number): number {
  const entry = entryAt(path);
  if (entry?.isDirectory() !== true) return entry === undefined ? 0 : count(entry);
  const inside = namesIn(path).map((name) => Buffer.concat([path, Buffer.from("/"), name]));
  return inside.reduce((sum, one) => sum + bytesBelow(one, count), 0);
}

function namesIn(folder: Buffer): Buffer[] {
  try {
    return readdirSync(folder, { encoding: "buffer" });
  } catch {
    return [];
  }
}

/** "  1,234,567  45%   12.34MB/s    0:00:10" -> "45 %, 12.34MB/s" */
export function progressIn(line: string): string | undefined {
  const [, percent, speed] = /\s(\d{1,3})%\s+([\d.]+\w*\/s)/.exec(line) ?? [];
  return percent === undefined ? undefined : `${percent} %, ${speed}`;
}

/** What an exit code and the last words of rsync mean. */
export function copyFailure(code: number | null, errors: readonly string[], to: string): RemoteError {
  const all = errors.join("\n");
  const said = lastWords(errors);
  if (/no space left|disk quota exceeded/i.test(all)) return remoteError("disk_full", `no room is left in ${to}`);
  if (/rsync: (command )?not found|not found: rsync/i.test(all)) {
    return remoteError("failed", "the machine has no rsync (apt-get install rsync on it)");
  }
  if (/File too large/.test(all)) return remoteError("failed", TOO_MUCH);
  if (code === null || [10, 12, 30, 35, 255].includes(code))
    return remoteError("unreachable", `rsync broke off: ${said}`);
  return remoteError("failed", `rsync failed (exit code ${code}): ${said}`);
}
