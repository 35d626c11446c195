import { linkSync, mkdirSync, readdirSync, readFileSync, statSync, unlinkSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { bootOf, markOf, type ProcessMark, stateOf } from "../../programs/process.ts";
import { remoteError } from "../../ssh/remote-error.ts";

/** Who works on a folder at home. */
export interface Holder extends ProcessMark {
  /** Of its machine: two may have one name. */
  readonly boot: string;
  /** "pulumi destroy", "vast-run sync" */
  readonly what: string;
  /** ISO time. */
  readonly since: string;
}

export interface LockOptions {
  readonly what: string;
  /** Hears who is waited for, again and again. */
  readonly onWait?: (text: string) => void;
  readonly signal?: AbortSignal | undefined;
  /** How long a holder whose process cannot be seen may show no sign of life, milliseconds; default a minute. */
  readonly silenceMs?: number;
  /** Default: this process. */
  readonly holder?: Omit<Holder, "what" | "since">;
}

/** The right to change a folder at home, for one process at a time, on whichever machine it runs. */
export interface Lock {
  /** Asks whether it is still ours, and says that we live. Throws when another process has taken over. */
  renew(): void;
  release(): void;
}

/** What is in the file of a number that nobody holds. */
const NOBODY = "released\n";
const SILENCE_MS = 60_000;
const LOOK_MS = 250;
const RENEW_MS = 5_000;

/**
 * Takes the lock, a folder in which the file with the highest number names the holder. Waits for a holder that lives, and
 * takes over from one that has ended, or that has not renewed for `silenceMs`.
 *
 * Numbers only rise. A file is made by link(), which one of several wins also on NFS, and a holder renews by linking its
 * own file to the next number: that goes to the server whatever is cached here, and fails when another process has taken
 * that number, or has removed this one. So no clocks are compared, and a process that slept while it lost the lock knows
 * at its next renewal.
 */
export async function takeLock(folder: string, options: LockOptions): Promise<Lock> {
  const { onWait = () => {}, signal, silenceMs = SILENCE_MS } = options;
  const holder: Holder = {
    ...(options.holder ?? { ...markOf(), boot: bootOf() }),
    what: options.what,
    since: new Date().toISOString(),
  };
  mkdirSync(folder, { recursive: true });
  let seen = { number: -1, since: performance.now() };
  for (;;) {
    const number = highest(folder);
    if (number !== seen.number) seen = { number, since: performance.now() };
    const other = number === 0 ? "nobody" : holderIn(folder, number);
    const isSilent = performance.now() - seen.since >= silenceMs;
    const isFree = isSilent || other === "nobody" || (other !== undefined && hasEnded(other, holder));
    if (isFree && claim(folder, number, holder)) return new HeldLock(folder, number + 1);
    if (typeof other === "object") onWait(`waiting for ${holderText(other)}`);
    signal?.throwIfAborted();
    await wait(LOOK_MS, undefined, signal === undefined ? {} : { signal });
  }
}

class HeldLock implements Lock {
  readonly #folder: string;
  readonly #timer: NodeJS.Timeout;
  #number: number;

  constructor(folder: string, number: number) {
    this.#folder = folder;
    this.#number = number;
    this.#timer = setInterval(() => this.#tryToRenew(), RENEW_MS);
    this.#timer.unref();
  }

  renew(): void {
    const [own, next] = [this.#number, this.#number + 1].map((number) => join(this.#folder, String(number)));
    try {
      linkSync(own ?? "", next ?? "");
    } catch (error) {
      if (!["ENOENT", "EEXIST"].includes((error as NodeJS.ErrnoException).code ?? "")) throw error;
      clearInterval(this.#timer);
      throw lost(this.#folder);
    }
    this.#number += 1;
    remove(own ?? "");
  }

  /** Whoever loses it hears so at the next change. */
  #tryToRenew(): void {
    try {
      this.renew();
    } catch {
      clearInterval(this.#timer);
    }
  }

  /** The number stays taken, by nobody, so that none is ever used twice. */
  release(): void {
    clearInterval(this.#timer);
    const draft = join(this.#folder, `draft.${process.pid}.${this.#number}`);
    try {
      this.renew();
      writeFileSync(draft, NOBODY, { flag: "wx" });
      linkSync(draft, join(this.#folder, String(this.#number + 1)));
      remove(join(this.#folder, String(this.#number)));
    } catch {
      // It is another's by now.
    } finally {
      remove(draft);
    }
  }
}

/** One of several wins. */
function claim(folder: string, number: number, holder: Holder): boolean {
  const draft = join(folder, `draft.${holder.pid}.${Math.random().toString(36).slice(2)}`);
  const file = join(folder, String(number + 1));
  writeFileSync(draft, `${JSON.stringify(holder)}\n`, { flag: "wx" });
  try {
    linkSync(draft, file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    // An answer that was lost on the way makes NFS ask again, and then our own file is in the way.
    if (statSync(draft).nlink !== 2) return false;
  } finally {
    remove(draft);
  }
  // What is listed may have been old; now it is not.
  const now = numbers(folder);
  if (now.some((one) => one > number + 1)) {
    remove(file);
    return false;
  }
  for (const old of now.filter((one) => one <= number)) remove(join(folder, String(old)));
  return true;
}

function numbers(folder: string): number[] {
  return readdirSync(folder)
    .filter((name) => /^\d+$/.test(name))
    .map(Number);
}

function highest(folder: string): number {
  return Math.max(0, ...numbers(folder));
}

/** undefined = it has just moved on, or it cannot be read. */
function holderIn(folder: string, number: number): Holder | "nobody" | undefined {
  try {
    const text = readFileSync(join(folder, String(number)), "utf8");
    return text === NOBODY ? "nobody" : JSON.parse(text);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT" && !(error instanceof SyntaxError)) throw error;
    return undefined;
  }
}

/** Known for certain: only of a process of this machine. */
function hasEnded(other: Holder, { host, boot }: Holder): boolean {
  return other.host === host && other.boot === boot && stateOf(other) === "ended";
}

function holderText({ what, pid, host, since }: Holder): string {
  const where = host === hostname() ? "" : ` on ${host}`;
  return `${what} (process ${pid}${where}, since ${since.slice(11, 19)} UTC), which works on the same folder`;
}

function lost(folder: string): Error {
  const home = folder.replace(/\.lock$/, "");
  return remoteError(
    "failed",
    `another process has taken over ${home} meanwhile; this one changes nothing there any more`,
  );
}

function remove(file: string): void {
  try {
    unlinkSync(file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
}
