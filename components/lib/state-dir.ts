import { randomBytes } from "node:crypto";
import { chmodSync, mkdirSync, statSync } from "node:fs";
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { onDisk } from "./disk.ts";
import { readOrMake } from "./draft.ts";

/** Our own directory on this machine: directories 0700, files 0600. */
export interface StateDir {
  readonly path: string;
  /** Random id of this state directory, `[a-z0-9]{8}`, made once; part of every label we rent under. */
  readonly owner: string;
  /** Our ssh key and known_hosts. */
  readonly sshDir: string;
  /** The journal: what we are about to rent, or have rented. */
  readonly journalDir: string;
  /** A file for each instance whose checkpoints are home, until it is gone. */
  readonly passedDir: string;
  /** Logs of machines that failed, for people. */
  readonly failedDir: string;
  /** Offers quoted by a preview, kept for minutes. */
  readonly quotesDir: string;
  /** Until when Vast takes no more searches. */
  readonly limitsDir: string;
  /** Prices seen and bids made, a file for each slice of a machine, kept for a month. */
  readonly pricesDir: string;
  /** The ledger of machines: what each was like. */
  readonly ledgerDir: string;
  /** What happened to our runs, a line each time: the log of events. */
  readonly eventsDir: string;
  /** What a status last saw of each run, for the next one. */
  readonly seenDir: string;
}

/** `$VAST_TRAINING_HOME`, else `${XDG_STATE_HOME:-~/.local/state}/vast-training`. No I/O. */
export function stateDirPath(env: NodeJS.ProcessEnv = process.env): string {
  if (env.VAST_TRAINING_HOME) return resolve(env.VAST_TRAINING_HOME);
  const home = env.HOME || homedir();
  return resolve(env.XDG_STATE_HOME || join(home, ".local", "state"), "vast-training");
}

/**
 * Opens the state directory and makes what is missing; several processes may do so at once. From then on nobody else
 * can write to what this process, git or ssh writes there, whatever the umask was.
 */
export function openStateDir(env: NodeJS.ProcessEnv = process.env): StateDir {
  process.umask(process.umask(0o077) | 0o022);
  const path = stateDirPath(env);
  const inside = (name: string) => privateDirectory(join(path, name));
  privateDirectory(path);
  return {
    path,
    owner: ownerOf(path),
    sshDir: inside("ssh"),
    journalDir: inside("journal"),
    passedDir: inside("passed"),
    failedDir: inside("failed"),
    quotesDir: inside("quotes"),
    limitsDir: inside("limits"),
    pricesDir: inside("prices"),
    ledgerDir: inside("ledger"),
    eventsDir: inside("events"),
    seenDir: inside("seen"),
  };
}

function privateDirectory(path: string): string {
  onDisk(path, () => mkdirSync(path, { recursive: true, mode: 0o700 }));
  const { mode, uid } = statSync(path);
  if (uid !== process.getuid?.()) {
    throw new Error(`${path} belongs to another user; set VAST_TRAINING_HOME to a directory of your own`);
  }
  if ((mode & 0o777) !== 0o700) chmodSync(path, 0o700);
  return path;
}

function ownerOf(path: string): string {
  const file = join(path, "owner");
  const owner = readOrMake(file, () => `${newOwner()}\n`);
  const id = owner.trim();
  if (!/^[a-z0-9]{8}$/.test(id)) {
    throw new Error(`${file} should hold eight characters a-z 0-9; restore it, or remove it when nothing is rented`);
  }
  if ((statSync(file).mode & 0o777) !== 0o600) chmodSync(file, 0o600);
  return id;
}

function newOwner(): string {
  const alphabet = "abcdefghijklmnopqrstuvwxyz0123456789";
  // 252 = 7 * 36: bytes above it would favour the first letters.
  const bytes = [...randomBytes(64)].filter((byte) => byte < 252);
  return bytes
    .slice(0, 8)
    .map((byte) => alphabet[byte % 36])
    .join("");
}
