import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { sizeText } from "../lib/text.ts";
import { manifestScript } from "../remote/scripts.ts";
import { remoteError } from "../ssh/remote-error.ts";
import { type Login, runScript } from "../ssh/run-script.ts";
import { placeLinks, type RefusedLink, refusedText } from "./links.ts";
import { type Listing, type Manifest, type ManifestFile, parseListing } from "./manifest.ts";
import { copy } from "./rsync.ts";
import { shownName } from "./store/files.ts";
import { bytesOf } from "./store/record.ts";
import { bytesLacking, checkRoom, makeFolder, Store } from "./store/store.ts";

/** Checkpoints to bring home from a machine that lets us in. */
export interface PullRequest extends Login {
  /** Folder on the machine, absolute. */
  readonly from: string;
  /** Folder here, absolute; made when missing. */
  readonly to: string;
  /** Training may go on meanwhile: files that keep changing are reported, not an error. Default false. */
  readonly live?: boolean;
  /** Who pulls, for others who wait; default "a pull". */
  readonly what?: string;
  /** How many verified predecessors of a file are kept; default 1. */
  readonly keepPrevious?: number;
  /** The training that had ended before this began (`endedTraining`); default null. */
  readonly ended?: string | null;
}

/** What is at home now, every file compared by sha256 with a manifest made on the machine. */
export interface Pulled {
  readonly files: number;
  readonly bytes: number;
  /** Printable names of files that changed while they were copied; only with `live`. */
  readonly changing: readonly string[];
  /** Folders of which files are missing, marked so at home: "step_2 (13 of 36 files)". */
  readonly incomplete: readonly string[];
  /** What did not take its own name at home, and why; a sentence each. */
  readonly beside: readonly string[];
  /** Links that could not be followed, so that nobody knows what is behind them; a clause each. Only with `live`. */
  readonly refused: readonly string[];
}

/** Where an instance's checkpoints come home to. */
export function checkpointsHome(checkpointsTo: string, stack: string, instanceId: number): string {
  return join(checkpointsTo, stack, String(instanceId));
}

/** A file that differs after a copy is copied again by content, and for this many rounds in all. */
const ROUNDS = 3;
/** How often a folder is listed again until two listings agree. */
const LOOKS = 5;

export type Progress = (text: string) => void;

/**
 * Copies, verifies and keeps. `progress` hears of short texts such as "checkpoints 45 %, 12.34MB/s". A folder that does
 * not exist on the machine is an empty one. Nothing that was verified before is lost, whatever the machine has now, and
 * whenever this ends. Throws RemoteError; without `live` also when a link cannot be followed (`failed`), and then all
 * that can come home is home.
 */
export async function pullCheckpoints(
  request: PullRequest,
  progress: Progress = () => {},
  signal?: AbortSignal,
): Promise<Pulled> {
  const { to, what = "a pull", keepPrevious = 1 } = request;
  const store = await Store.open(to, { what, keepPrevious, onWait: progress, signal });
  try {
    return await new Pull(request, store, progress, signal).run();
  } finally {
    store.close();
  }
}

/** Throws `disk_full` when what is not at home has no room there; changes nothing, on either side. */
export async function checkRoomFor(request: PullRequest, signal?: AbortSignal): Promise<void> {
  makeFolder(request.to);
  const { files } = parseListing(await runScript(request, manifestScript(request.from, false), signal));
  checkRoom(
    request.to,
    bytesLacking(request.to, files, (name) => files.get(name)?.onDisk ?? 0),
  );
}

class Pull {
  readonly #request: PullRequest;
  readonly #store: Store;
  readonly #progress: Progress;
  readonly #signal: AbortSignal | undefined;
  /** Every name that the machine has shown. */
  readonly #seen = new Set<string>();

  constructor(request: PullRequest, store: Store, progress: Progress, signal: AbortSignal | undefined) {
    this.#request = request;
    this.#store = store;
    this.#progress = progress;
    this.#signal = signal;
  }

  async run(): Promise<Pulled> {
    let listing = await this.#list();
    for (let look = 1; ; look++) {
      const { sound, changing } = await this.#bring(listing);
      const later = await this.#list(false);
      const moved = differences(sound, later.files);
      if (this.#request.live === true) {
        const still = new Set([...changing, ...moved.filter((name) => later.files.has(name))]);
        return this.#end(sound, still, listing.lies, later.refused);
      }
      if (moved.length === 0) return this.#end(sound, new Set(), listing.lies, later.refused);
      if (look === LOOKS) throw this.#unsettled(moved);
      listing = await this.#list();
    }
  }

  /** Answers with what came home, and the names that did not hold still. */
  async #bring(first: Listing): Promise<{ sound: Manifest; changing: readonly string[] }> {
    let files = first.files;
    for (let round = 1; ; round++) {
      const wrong = await this.#copy(files, round > 1);
      this.#store.renew();
      placeLinks(this.#request.to, first.links);
      if (wrong.length === 0) return { sound: files, changing: [] };
      const now = (await this.#list()).files;
      const left = wrong.filter((name) => now.has(name));
      const changing = left.filter((name) => !isSameFile(files.get(name), now.get(name)));
      if (this.#request.live === true && round >= 2 && changing.length === left.length) {
        const sound = new Map([...files].filter(([name]) => !wrong.includes(name)));
        return { sound, changing };
      }
      if (round >= ROUNDS && left.length > 0) throw this.#mismatch(left, changing.length === left.length);
      if (round === LOOKS) throw this.#mismatch(wrong, true);
      files = now;
    }
  }

  /** Answers with the names of what did not arrive as it should. */
  async #copy(files: Manifest, checksum: boolean): Promise<string[]> {
    const { from } = this.#request;
    // Once: it is asked for with each file.
    const all = bytesOf(files);
    const share = (bytes: number) => `${Math.floor((100 * bytes) / Math.max(all, 1))} % of ${sizeText(all)}`;
    const lacking = await this.#store.lacking(files, (bytes) => this.#progress(`comparing ${share(bytes)}`));
    if (lacking.length === 0) return [];
    const onDisk = (name: string) => files.get(name)?.onDisk ?? 0;
    this.#store.checkRoom(files, lacking, onDisk);
    const sizes = new Map(lacking.map((name) => [name, files.get(name)?.size ?? 0]));
    const bytes = lacking.reduce((sum, name) => sum + onDisk(name), 0);
    const to = this.#store.incoming;
    mkdirSync(to, { recursive: true });
    await copy(
      this.#request,
      { from, to, sizes, onDisk: bytes, checksum },
      (text) => this.#progress(`checkpoints ${text}`),
      this.#signal,
    );
    this.#store.begin(files, lacking);
    return this.#store.take(files, lacking, (bytes) => this.#progress(`verifying ${sizeText(bytes)}`));
  }

  async #list(hashes = true): Promise<Listing> {
    this.#progress("listing the checkpoints on the machine");
    const { from } = this.#request;
    const listing = parseListing(await runScript(this.#request, manifestScript(from, hashes), this.#signal));
    for (const name of listing.files.keys()) this.#seen.add(name);
    return listing;
  }

  /** A machine that lies about some files is not believed about the others, though they have come home. */
  #end(home: Manifest, still: ReadonlySet<string>, [lie]: readonly string[], refused: readonly RefusedLink[]): Pulled {
    const sound = new Map([...home].filter(([name]) => !still.has(name)));
    const incomplete = this.#store.mark(this.#seen, new Set([...this.#lost(home), ...still]));
    if (lie !== undefined) {
      const shown = shownName(lie).slice(0, 80);
      const home = `${sound.size} files are home and are what it says they are`;
      throw remoteError("failed", `the machine's manifest holds what cannot be (${shown}); ${home}`);
    }
    const isWhole = still.size === 0 && refused.length === 0;
    this.#store.finish(home, isWhole ? (this.#request.ended ?? null) : null);
    if (this.#request.live !== true && refused.length > 0) throw notFollowed(refused, sound.size);
    return {
      files: sound.size,
      bytes: bytesOf(sound),
      changing: [...still].map(shownName),
      incomplete,
      beside: this.#store.beside,
      refused: refused.map(refusedText),
    };
  }

  /** What was seen, and went away before it could be fetched. */
  #lost(home: Manifest): string[] {
    return [...this.#seen].filter((name) => !home.has(name) && !this.#store.has(name));
  }

  #mismatch(names: readonly string[], written: boolean): Error {
    const why = written ? "something on the machine still writes to them" : "what arrived here is not what is there";
    return remoteError("mismatch", `${namesText(names)} differ after ${ROUNDS} copies: ${why}`);
  }

  #unsettled(names: readonly string[]): Error {
    const text = `${namesText(names)} changed again and again after they were fetched`;
    return remoteError("mismatch", `${text}: something on the machine still writes to them`);
  }
}

/** All that can be fetched is home by then. */
function notFollowed(refused: readonly RefusedLink[], files: number): Error {
  const shown = refused.slice(0, 3).map(refusedText).join("; ");
  const more = refused.length > 3 ? `; and ${refused.length - 3} more` : "";
  const links = refused.length === 1 ? "a link" : `${refused.length} links`;
  const rest = files === 1 ? "1 other file is home" : `${files} other files are home`;
  const text = `${links} on the machine cannot be followed, so what is behind is not home: ${shown}${more}`;
  return remoteError("failed", `${text}. Mend or remove such a link there (${rest})`);
}

/** Names that came, went or were written to between two listings. */
function differences(before: Manifest, after: Manifest): string[] {
  const names = new Set([...before.keys(), ...after.keys()]);
  return [...names].filter((name) => {
    const [one, other] = [before.get(name), after.get(name)];
    return one?.size !== other?.size || one?.stamp !== other?.stamp;
  });
}

function isSameFile(one: ManifestFile | undefined, other: ManifestFile | undefined): boolean {
  return one !== undefined && one.sha256 !== null && one.sha256 === other?.sha256;
}

function namesText(names: readonly string[]): string {
  const shown = names.slice(0, 3).map(shownName).join(", ");
  return names.length > 3 ? `${shown} and ${names.length - 3} more` : shown;
}
