import { accessSync, constants, mkdirSync, statfsSync } from "node:fs";
import { join } from "node:path";
import { sizeText } from "../lib/text.ts";
import { manifestScript } from "../remote/scripts.ts";
import { remoteError } from "../ssh/remote-error.ts";
import { type Login, runScript } from "../ssh/run-script.ts";
import { placeLinks } from "./links.ts";
import {
  bytesMissing,
  bytesOf,
  differing,
  type Listing,
  type Manifest,
  type ManifestFile,
  parseListing,
  shownName,
} from "./manifest.ts";
import { copy } from "./rsync.ts";

/** Checkpoints to bring home from a machine that lets us in. */
export interface PullRequest extends Login {
  /** Folder on the machine, absolute. */
  readonly from: string;
  /** Folder here, absolute; made when missing. Nothing in it is ever deleted. */
  readonly to: string;
  /** Training may go on meanwhile: files that keep changing are reported, not an error. Default false. */
  readonly live?: boolean;
}

/** What is at home now, every file compared by sha256 with a manifest made on the machine. */
export interface Pulled {
  readonly files: number;
  readonly bytes: number;
  /** Printable names of files that changed while they were copied; only with `live`. */
  readonly changing: readonly string[];
  /** Of what is at home. */
  readonly manifest: Manifest;
}

/** Where an instance's checkpoints come home to. */
export function checkpointsHome(checkpointsTo: string, stack: string, instanceId: number): string {
  return join(checkpointsTo, stack, String(instanceId));
}

/** A file that differs after a copy is copied again by content, and for this many rounds in all. */
const ROUNDS = 3;

/**
 * Copies and verifies. `progress` hears of short texts such as "checkpoints 45 %, 12.34MB/s". A folder that does not
 * exist on the machine is an empty one. Throws RemoteError.
 */
export async function pullCheckpoints(
  request: PullRequest,
  progress: (text: string) => void = () => {},
  signal?: AbortSignal,
): Promise<Pulled> {
  makeFolder(request.to);
  let listing = await list(request, progress, signal);
  for (let round = 1; ; round++) {
    const { files: manifest, links } = listing;
    if (manifest.size === 0) return pulled(listing, []);
    await copyAll(request, manifest, round > 1, progress, signal);
    placeLinks(request.to, links);
    const bad = await differing(manifest, request.to, (bytes) => progress(`verifying ${shareText(bytes, manifest)}`));
    if (bad.length === 0) return pulled(listing, []);
    const now = await list(request, progress, signal);
    const changing = bad.filter((name) => !isSameFile(manifest.get(name), now.files.get(name)));
    if (request.live && changing.length === bad.length && round >= 2) return pulled(listing, changing);
    if (round === ROUNDS) throw mismatch(bad, changing.length === bad.length);
    listing = now;
  }
}

/** A machine that lies about some files is not believed about the others, though they have come home. */
function pulled({ files: manifest, lies }: Listing, changing: readonly string[]): Pulled {
  const [lie] = lies;
  if (lie !== undefined) {
    const home = `${manifest.size - changing.length} files are home and are what it says they are`;
    throw remoteError(
      "failed",
      `the machine's manifest holds what cannot be (${shownName(lie).slice(0, 80)}); ${home}`,
    );
  }
  const left = new Set(changing);
  const sound = new Map([...manifest].filter(([name]) => !left.has(name)));
  return { files: sound.size, bytes: bytesOf(sound), changing: changing.map(shownName), manifest: sound };
}

function isSameFile(one: ManifestFile | undefined, other: ManifestFile | undefined): boolean {
  return one !== undefined && one.sha256 !== null && one.sha256 === other?.sha256;
}

function mismatch(names: readonly string[], written: boolean): Error {
  const shown = names.slice(0, 3).map(shownName).join(", ");
  const more = names.length > 3 ? ` and ${names.length - 3} more` : "";
  const why = written ? "something on the machine still writes to them" : "what arrived here is not what is there";
  return remoteError("mismatch", `${shown}${more} differ after ${ROUNDS} copies: ${why}`);
}

async function list(
  request: PullRequest,
  progress: (text: string) => void,
  signal: AbortSignal | undefined,
): Promise<Listing> {
  progress("listing the checkpoints on the machine");
  return parseListing(await runScript(request, manifestScript(request.from), signal));
}

/** Copies without verifying. Throws `disk_full` before it begins when there is no room. */
async function copyAll(
  request: PullRequest,
  manifest: Manifest,
  checksum: boolean,
  progress: (text: string) => void,
  signal: AbortSignal | undefined,
): Promise<void> {
  const { from, to } = request;
  checkRoom(bytesMissing(manifest, to), to);
  await copy(request, { from, to, checksum, links: false }, (text) => progress(`checkpoints ${text}`), signal);
}

function shareText(bytes: number, manifest: Manifest): string {
  return `${Math.floor((100 * bytes) / Math.max(bytesOf(manifest), 1))} % of ${sizeText(bytesOf(manifest))}`;
}

function checkRoom(needed: number, folder: string): void {
  const { bavail, bsize } = statfsSync(folder);
  if (needed > bavail * bsize) {
    throw remoteError("disk_full", `${folder} has room for ${sizeText(bavail * bsize)} and needs ${sizeText(needed)}`);
  }
}

/** Makes a folder that can be written to. Throws RemoteError. */
export function makeFolder(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true });
    accessSync(folder, constants.W_OK | constants.X_OK);
  } catch (error) {
    const kind = (error as NodeJS.ErrnoException).code === "ENOSPC" ? "disk_full" : "failed";
    throw remoteError(kind, `${folder} cannot be written to (${(error as NodeJS.ErrnoException).code})`);
  }
}
