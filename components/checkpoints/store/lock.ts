import { linkSync, mkdirSync, readdirSync, readFileSync, statSync, unlinkSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { bootOf, markOf, type ProcessMark, stateOf } from "../../programs/process.ts";
import { remoteError } from "../../ssh/remote-error.ts";

/** Who works on a folder at home. */
export interface Holder extends ProcessMark {
  /** Start of its machine: two machines may have one name. */
  readonly boot: string;
  /** "pulumi destroy", "vast-run sync" */
  readonly what: string;
  /** ISO time. */
  readonly since: string;
}

export interface LockOptions {
  readonly what: string;
  /** Told who is waited for, again and again. */
  readonly onWait?: (text: string) => void;
  readonly signal?: AbortSignal | undefined;
  /** How long a holder whose process cannot be seen may show no sign of life, milliseconds; default a minute. */
  readonly silenceMs?: number;
  /** Default: this process. */
  readonly holder?: Omit<Holder, "what" | "since">;
}

/** The right to change a folder at home, for one process at a time, on whichever machine it runs. */
export interface Lock {
  /** Checks that the lock is still ours, and shows that we live. Throws when another process has taken over. */
  renew(): void;
  release(): void;
}

/** Content of a lock file that nobody holds. */
const NOBODY = "released\n";
const SILENCE_MS = 60_000;
const LOOK_MS = 250;
const RENEW_MS = 5_000;

/**
 * Takes the lock: a folder in which the file with the highest number names the holder. Waits for a living holder, and
 * takes over from one that has ended, or that has not renewed for `silenceMs`.
 *
 * Numbers only rise. A file is made by link(), which only one of several processes wins, on NFS too. A holder renews by
 * linking its own file to the next number: that reaches the server whatever is cached here, and fails when another
 * process has taken that number, or has removed this file. So no clocks are compared, and a process that slept while it
 * lost the lock learns so at its next renewal.
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

  /** Who has lost the lock learns so at the next change. */
  #tryToRenew(): void {
    try {
      this.renew();
    } catch {
      clearInterval(this.#timer);
    }
  }

  /** The number stays used, so that none is ever used twice. */
  release(): void {
    clearInterval(this.#timer);
    const draft = join(this.#folder, `draft.${process.pid}.${this.#number}`);
    try {
      this.renew();
      writeFileSync(draft, NOBODY, { flag: "wx" });
      linkSync(draft, join(this.#folder, String(this.#number + 1)));
      remove(join(this.#folder, String(this.#number)));
    } catch {
      // Another process holds it by now.
    } finally {
      remove(draft);
    }
  }
}

/** Takes this number; only one of several processes succeeds. */
function claim(folder: string, number: number, holder: Holder): boolean {
  const draft = join(folder, `draft.${holder.pid}.${Math.random().toString(36).slice(2)}`);
  const file = join(folder, String(number + 1));
  writeFileSync(draft, `${JSON.stringify(holder)}\n`, { flag: "wx" });
  try {
    linkSync(draft, file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    // After a lost answer NFS asks again, and then finds our own file in the way.
    if (statSync(draft).nlink !== 2) return false;
  } finally {
    remove(draft);
  }
  // The listing may have been cached; this one is not.
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

/** undefined = it has just changed, or cannot be read. */
function holderIn(folder: string, number: number): Holder | "nobody" | undefined {
  try {
    const text = readFileSync(join(folder, String(number)), "utf8");
    return text === NOBODY ? "nobody" : JSON.parse(text);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT" && !(error instanceof SyntaxError)) throw error;
    return undefined;
  }
}

/** Has it certainly ended? Known only for a process of this machine. */
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
