import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { manifestScript } from "../remote/scripts.ts";
import { remoteError } from "../ssh/remote-error.ts";
import { type Login, runScript } from "../ssh/run-script.ts";
import type { Pace } from "./copy/pace.ts";
import { checkRoomFor, type Fetch, type Fetched, fetchInto, mismatch } from "./fetch.ts";
import { placeLinks, type RefusedLink, refusedText } from "./links.ts";
import { beforeSums, type Listing, type Manifest, type ManifestFile, parseListing, type Writer } from "./manifest.ts";
import { differences, QUIET_MS, quietLeft, writersText } from "./settled.ts";
import { shownName } from "./store/files.ts";
import { bytesOf } from "./store/record.ts";
import { makeFolder, type Store, withStore } from "./store/store.ts";

/** What must come home, however its machine is reached. */
export interface PullTerms {
  /** Folder on the machine, absolute. */
  readonly from: string;
  /** Folder here, absolute; made when missing. */
  readonly to: string;
  /** How many verified predecessors of a file are kept; default 1. */
  readonly keepPrevious?: number;
  /** The least that must arrive while files are copied; default 1 MB in 5 minutes. */
  readonly pace?: Pace;
}

export const PULL_TERMS = ["from", "to", "keepPrevious", "pace"] as const satisfies (keyof PullTerms)[];

/** Checkpoints to bring home from a machine at which a login works. */
export interface PullRequest extends Login, PullTerms {
  /** Training may go on meanwhile: files that keep changing are reported, not an error. Default false. */
  readonly live?: boolean;
  /** Who pulls, shown to others who wait for the folder; default "a pull". */
  readonly what?: string;
  /**
   * The training that has ended (`endedTraining`); default null. It is awaited before the folder is looked at for the last
   * time: who had ended by then has written nothing since.
   */
  readonly ended?: string | null | Promise<string | null>;
  /** Without `live`: how long nothing must change before the folder counts as settled, ms; default 4000. */
  readonly quietMs?: number;
  /** Without `live`: how long a changing folder is fetched again before giving up, ms; default a minute. */
  readonly patienceMs?: number;
  /** Shows short texts such as "checkpoints 45 %, 12.34MB/s". */
  readonly progress?: (text: string) => void;
  readonly signal?: AbortSignal | undefined;
}

/** What is at home now, every file compared by sha256 with a manifest made on the machine. */
export interface Pulled {
  readonly files: number;
  readonly bytes: number;
  /** Bytes of them that had to cross the line, uncompressed. */
  readonly fetched: number;
  /** Printable names of files that changed while they were copied; only with `live`. */
  readonly changing: readonly string[];
  /** Folders of which files are missing, marked so at home: "step_2 (13 of 36 files)". */
  readonly incomplete: readonly string[];
  /** Files that came home under another name, and why; a sentence each. */
  readonly beside: readonly string[];
  /** Links that could not be followed: what is behind them is not home; a clause each. Only with `live`. */
  readonly refused: readonly string[];
  /** The machine has nothing any more, and had files: its disk may not be mounted. They stay at home. Only with `live`. */
  readonly emptied: boolean;
}

/** Where an instance's checkpoints come home to. */
export function checkpointsHome(checkpointsTo: string, stack: string, instanceId: number): string {
  return join(checkpointsTo, stack, String(instanceId));
}

/** Rounds in all: a file that differs after a copy is copied again by content. */
const ROUNDS = 3;
/** Least number of times a folder is found changed before giving up: a copy may take longer than the patience. */
const LOOKS = 3;
const PATIENCE_MS = 60_000;

/**
 * Copies, verifies and keeps. A missing folder on the machine counts as empty. Nothing verified before is lost,
 * whatever the machine has now, and whenever this is interrupted. Throws RemoteError; without `live` also when
 * something goes on writing (`mismatch`), or a link cannot be followed (`failed`), after everything that can come home
 * has come.
 */
export async function pullCheckpoints(request: PullRequest): Promise<Pulled> {
  const { to, what = "a pull", keepPrevious = 1, progress = () => {}, signal } = request;
  const options = { what, keepPrevious, onWait: progress, signal };
  return withStore(to, options, (store) => new Pull({ ...request, progress }, store).run());
}

/**
 * Answers with how many files are there. Throws `disk_full` when there is no room at home for what is missing; changes
 * nothing, on either side.
 */
export async function checkRoomToPull(request: PullRequest): Promise<number> {
  makeFolder(request.to);
  const { files } = parseListing(await runScript(request, manifestScript(request.from, false), request.signal));
  checkRoomFor(request.to, files);
  return files.size;
}

type Hashed = Required<Fetch>["hashed"];
type Pulling = PullRequest & Required<Pick<PullRequest, "progress">>;

class Pull {
  readonly #request: Pulling;
  readonly #store: Store;
  /** Every name that the machine has shown. */
  readonly #seen = new Set<string>();
  /** Impossible records of its listings. */
  readonly #lies: string[] = [];
  /** Who was last seen writing. */
  #writers: readonly Writer[] = [];
  #fetched = 0;
  #ended: string | null = null;
  /** When the last listing with hashes arrived, by `performance.now()`. */
  #hashedAt = 0;
  /** How often the folder was found changed, and since when. */
  readonly #unrest = { times: 0, since: 0 };

  constructor(request: Pulling, store: Store) {
    this.#request = request;
    this.#store = store;
  }

  async run(): Promise<Pulled> {
    for (;;) {
      const { listed, hashed } = this.#listHashing();
      const { sound, changing } = await this.#bring(await listed, hashed);
      this.#ended = (await this.#request.ended) ?? null;
      const { later, moved } = await this.#lookAgain(sound);
      if (this.#request.live === true) {
        const still = new Set([...changing, ...moved.filter((name) => later.files.has(name))]);
        return this.#end(sound, still, later.refused);
      }
      if (moved.length === 0) return this.#end(sound, new Set(), later.refused);
      if (this.#isHopeless()) throw this.#unsettled(moved);
    }
  }

  /**
   * Answers with the names that have changed since; without `live`, no names also means that nobody writes any more.
   */
  async #lookAgain(sound: Manifest): Promise<{ later: Listing; moved: readonly string[] }> {
    const { live = false, quietMs = QUIET_MS } = this.#request;
    for (;;) {
      const unchangedMs = performance.now() - this.#hashedAt;
      const later = await this.#list(false);
      const moved = differences(sound, later.files);
      const left = quietLeft(later, unchangedMs, quietMs);
      const isHeld = later.writers.length > 0;
      if (live || moved.length > 0 || (left === 0 && !isHeld)) return { later, moved };
      if (isHeld && this.#isHopeless()) throw this.#held(later.writers);
      await this.#rest(isHeld ? quietMs : left);
    }
  }

  /** Has the folder been changing for too long? Each call counts as one more time. */
  #isHopeless(): boolean {
    const { patienceMs = PATIENCE_MS } = this.#request;
    if (this.#unrest.times++ === 0) this.#unrest.since = performance.now();
    return this.#unrest.times >= LOOKS && performance.now() - this.#unrest.since >= patienceMs;
  }

  async #rest(milliseconds: number): Promise<void> {
    const seconds = Math.ceil((this.#request.quietMs ?? QUIET_MS) / 1000);
    this.#request.progress(`waiting until nothing has changed for ${seconds} s`);
    await sleep(milliseconds, undefined, this.#request.signal === undefined ? {} : { signal: this.#request.signal });
  }

  /** Answers with what came home, and the names that changed meanwhile. */
  async #bring(first: Listing, hashed: Hashed): Promise<{ sound: Manifest; changing: readonly string[] }> {
    const { live = false, quietMs = QUIET_MS } = this.#request;
    let listed = first.files;
    for (let round = 1; ; round++) {
      const { files, wrong } = await this.#copy(listed, round === 1 ? { hashed } : { checksum: true });
      this.#store.renew();
      placeLinks(this.#request.to, first.links);
      if (wrong.length === 0) return { sound: files, changing: [] };
      const now = (await this.#list(true)).files;
      const left = wrong.filter((name) => now.has(name));
      const changing = left.filter((name) => !isSameFile(files.get(name), now.get(name)));
      const isWritten = changing.length === left.length;
      if (live && isWritten && round >= 2) {
        const sound = new Map([...files].filter(([name]) => !wrong.includes(name)));
        return { sound, changing };
      }
      if (!isWritten && round >= ROUNDS) throw mismatch(namesText(left), round);
      if (!live && isWritten && this.#isHopeless()) throw this.#unsettled(wrong);
      if (!live && round >= ROUNDS) await this.#rest(quietMs);
      listed = now;
    }
  }

  #copy(files: Manifest, how: Pick<Fetch, "hashed" | "checksum">): Promise<Fetched> {
    const { from, pace, progress, signal } = this.#request;
    const fetching = (bytes: number) => {
      this.#fetched += bytes;
    };
    return fetchInto(this.#store, this.#request, { from, files, pace, progress, signal, fetching, ...how });
  }

  #list(hashes: boolean): Promise<Listing> {
    return this.#ask(hashes, this.#request.signal);
  }

  /** A listing that is there before the machine begins to hash, and the same with sums. */
  #listHashing(): { listed: Promise<Listing>; hashed: Hashed } {
    const { signal } = this.#request;
    const stop = new AbortController();
    const listed = Promise.withResolvers<Listing>();
    const any = signal === undefined ? stop.signal : AbortSignal.any([signal, stop.signal]);
    const whole = this.#ask(true, any, beforeSums(listed.resolve));
    whole.then(listed.resolve, listed.reject);
    const hashed: Hashed = async (signal) => {
      signal.addEventListener("abort", () => stop.abort());
      return (await whole).files;
    };
    return { listed: listed.promise, hashed };
  }

  async #ask(hashes: boolean, signal: AbortSignal | undefined, onOutput?: (chunk: Buffer) => void): Promise<Listing> {
    const { from, progress } = this.#request;
    progress("listing the checkpoints on the machine");
    const listing = parseListing(await runScript(this.#request, manifestScript(from, hashes), signal, onOutput));
    for (const name of listing.files.keys()) this.#seen.add(name);
    this.#lies.push(...listing.lies);
    if (listing.writers.length > 0) this.#writers = listing.writers;
    if (hashes) this.#hashedAt = performance.now();
    return listing;
  }

  /** Throws when the machine lied about some files: it is not believed about the others, though they have come home. */
  #end(home: Manifest, still: ReadonlySet<string>, refused: readonly RefusedLink[]): Pulled {
    const [lie] = this.#lies;
    const sound = new Map([...home].filter(([name]) => !still.has(name)));
    const incomplete = this.#store.mark(this.#seen, new Set([...this.#lost(home), ...still]));
    if (lie !== undefined) {
      const shown = shownName(lie).slice(0, 80);
      const home = `${sound.size} files are home as it lists them`;
      throw remoteError("failed", `the machine's manifest has impossible entries (${shown}); ${home}`);
    }
    const isWhole = still.size === 0 && refused.length === 0;
    const emptied = this.#store.isEmptied(home);
    this.#store.finish(home, isWhole ? this.#ended : null);
    if (this.#request.live !== true && refused.length > 0) throw notFollowed(refused, sound.size);
    return {
      files: sound.size,
      bytes: bytesOf(sound),
      fetched: this.#fetched,
      changing: [...still].map(shownName),
      incomplete,
      beside: this.#store.beside,
      refused: refused.map(refusedText),
      emptied,
    };
  }

  /** Files that were seen, and vanished before they could be fetched. */
  #lost(home: Manifest): string[] {
    return [...this.#seen].filter((name) => !home.has(name) && !this.#store.has(name));
  }

  #unsettled(names: readonly string[]): Error {
    const who = writersText(this.#writers) ?? "something";
    const text = `${namesText(names)} changed again and again while they were fetched`;
    return remoteError("mismatch", `${text}: ${who} on the machine still writes to them`);
  }

  #held(writers: readonly Writer[]): Error {
    const text = "still holds checkpoints open for writing, so they may not be whole; end it there";
    return remoteError("mismatch", `${writersText(writers)} on the machine ${text}`);
  }
}

/** Thrown when all that can be fetched is home. */
function notFollowed(refused: readonly RefusedLink[], files: number): Error {
  const shown = refused.slice(0, 3).map(refusedText).join("; ");
  const more = refused.length > 3 ? `; and ${refused.length - 3} more` : "";
  const links = refused.length === 1 ? "a link" : `${refused.length} links`;
  const rest = files === 1 ? "1 other file is home" : `${files} other files are home`;
  const text = `${links} on the machine cannot be followed, so what is behind is not home: ${shown}${more}`;
  return remoteError("failed", `${text}. Mend or remove such a link there (${rest})`);
}

/** By their sums. */
export function isSameFile(one: ManifestFile | undefined, other: ManifestFile | undefined): boolean {
  return one !== undefined && one.sha256 !== null && one.sha256 === other?.sha256;
}

/** Three of them at most. */
export function namesText(names: readonly string[]): string {
  const shown = names.slice(0, 3).map(shownName).join(", ");
  return names.length > 3 ? `${shown} and ${names.length - 3} more` : shown;
}
