import { createHash } from "node:crypto";
import { readFileSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { type Clock, type Moment, momentOf, since } from "../../lib/clock.ts";
import { writeWhole } from "../../lib/draft.ts";
import type { StateDir } from "../../lib/state-dir.ts";

/** A note that Vast takes no more searches. */
export interface Refusal extends Moment {
  /** Milliseconds since 1970. */
  readonly resetsAt: number;
}

/** How a caller recognises a refusal, and makes an error of its own. */
export interface Refusals {
  /** When the searches that this error refuses are allowed again, milliseconds since 1970; undefined = another error. */
  resetsAt(error: unknown): number | undefined;
  /** For a search that is not sent. */
  error(resetsAt: number): Error;
}

const DAY_MS = 86_400_000;
/** How long others wait at most for the one search that finds out whether Vast takes them again. */
const PROBE_MS = 60_000;
/** Two machines' clocks may differ by that. */
const SKEW_MS = 300_000;

/**
 * Must a search wait? `open` = no; `due` = the wait is over, and the first search is to find out; else until when,
 * milliseconds since 1970. A note from a time that cannot be counts as none, so that a clock that is set back holds
 * nothing up.
 */
export function holdOf(refusal: Refusal | undefined, clock: Pick<Clock, "now" | "boot">): "open" | "due" | number {
  if (refusal === undefined) return "open";
  const most = refusal.resetsAt - refusal.at;
  if (!(most > 0 && most <= DAY_MS)) return "open";
  const now = momentOf(clock);
  const isSameBoot = now.boot !== undefined && now.boot.id === refusal.boot?.id;
  if (!isSameBoot && refusal.at > now.at + SKEW_MS) return "open";
  return since(refusal, clock) < most ? refusal.resetsAt : "due";
}

/**
 * Holds searches back once Vast has answered `search_quota_exceeded` (client 1.9.1: a number of searches a day, which
 * resets at 0:00 UTC; how many is not known). No command of this state directory sends one until the reset; then one
 * alone finds out. Noted in a file for each key and API, whose name tells nothing of the key. Where it cannot be
 * written, the process that was refused still remembers; a file that cannot be read counts as none.
 */
export class SearchQuota {
  /** For fingerprints of keys. */
  readonly nonce: string;
  readonly #dir: string | undefined;
  readonly #clock: Pick<Clock, "now" | "boot">;
  /** What could not be written, by name. */
  readonly #unwritten = new Map<string, Refusal>();
  /** Searches of this process that are finding out, by name; these promises never reject. */
  readonly #probes = new Map<string, Promise<void>>();

  /** @param dir undefined = for this process alone */
  constructor(dir: Pick<StateDir, "limitsDir" | "owner"> | undefined, clock: Pick<Clock, "now" | "boot">) {
    this.#dir = dir?.limitsDir;
    this.nonce = dir?.owner ?? "";
    this.#clock = clock;
  }

  /**
   * Runs a search, or throws the caller's own error while searches must wait.
   *
   * @param who the API and the fingerprint of the key
   * @param search must call its argument when the request is about to be sent: others may have been refused meanwhile
   */
  async run<T>(who: string, refusals: Refusals, search: (onLeave: () => void) => Promise<T>): Promise<T> {
    const name = createHash("sha256").update(who).digest("hex").slice(0, 32);
    for (let probe = this.#probes.get(name); probe !== undefined; probe = this.#probes.get(name)) await probe;
    const hold = this.#holdOf(name);
    if (typeof hold === "number") throw refusals.error(hold);
    if (hold === "due") return this.#probe(name, refusals, search);
    const onLeave = () => {
      const now = this.#holdOf(name);
      if (typeof now === "number") throw refusals.error(now);
    };
    return this.#noting(name, refusals, () => search(onLeave));
  }

  async #probe<T>(name: string, refusals: Refusals, search: (onLeave: () => void) => Promise<T>): Promise<T> {
    const before = this.#noted(name);
    this.#claim(name, refusals);
    const probe = this.#noting(name, refusals, () => search(() => {}));
    const done = probe.then(
      () => this.#lift(name),
      (error) => {
        // A search that failed for another reason tells nothing: the note stays.
        if (refusals.resetsAt(error) === undefined && before !== undefined) this.#note(name, before);
      },
    );
    this.#probes.set(name, done);
    void done.finally(() => this.#probes.delete(name));
    return probe;
  }

  async #noting<T>(name: string, refusals: Refusals, search: () => Promise<T>): Promise<T> {
    try {
      return await search();
    } catch (error) {
      const resetsAt = refusals.resetsAt(error);
      // A search held back by this note brings no news.
      if (resetsAt !== undefined && this.#noted(name)?.resetsAt !== resetsAt)
        this.#note(name, { ...momentOf(this.#clock), resetsAt });
      throw error;
    }
  }

  /** The process that removes the note finds out; the others see its new note, or that there is none. */
  #claim(name: string, refusals: Refusals): void {
    const until = this.#clock.now() + PROBE_MS;
    if (this.#dir !== undefined && !this.#unwritten.has(name)) {
      const taken = `${this.#file(this.#dir, name)}.${process.pid}`;
      try {
        renameSync(this.#file(this.#dir, name), taken);
      } catch {
        throw refusals.error(until);
      }
      rmSync(taken, { force: true });
    }
    this.#note(name, { ...momentOf(this.#clock), resetsAt: until });
  }

  #holdOf(name: string): "open" | "due" | number {
    return holdOf(this.#noted(name), this.#clock);
  }

  #noted(name: string): Refusal | undefined {
    const unwritten = this.#unwritten.get(name);
    return unwritten ?? (this.#dir === undefined ? undefined : read(this.#file(this.#dir, name)));
  }

  #note(name: string, refusal: Refusal): void {
    this.#unwritten.set(name, refusal);
    if (this.#dir === undefined) return;
    try {
      writeWhole(this.#file(this.#dir, name), JSON.stringify(refusal));
      this.#unwritten.delete(name);
    } catch {
      // On a full disk only this process knows.
    }
  }

  #lift(name: string): void {
    this.#unwritten.delete(name);
    if (this.#dir === undefined) return;
    try {
      rmSync(this.#file(this.#dir, name), { force: true });
    } catch {
      // The note ends by itself a minute later.
    }
  }

  #file(dir: string, name: string): string {
    return join(dir, `searches-${name}.json`);
  }
}

function read(file: string): Refusal | undefined {
  try {
    const { at, resetsAt, boot } = JSON.parse(readFileSync(file, "utf8"));
    return { at, resetsAt, ...(boot === undefined ? {} : { boot }) };
  } catch {
    return undefined;
  }
}
