import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import type { Socket } from "node:net";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";

/** How a local program runs, and what ends it early. */
export interface ProgramOptions {
  readonly cwd?: string | undefined;
  /** Default that of this process. */
  readonly env?: NodeJS.ProcessEnv;
  /** All of its standard input; default nothing. */
  readonly input?: string | Buffer | undefined;
  /** Standard input stays open for `write` until `close`; default false. */
  readonly talks?: boolean;
  /** A file descriptor that takes its standard output. */
  readonly output?: number | undefined;
  /** Milliseconds in all; default no end. */
  readonly timeoutMs?: number;
  /** Milliseconds in which neither it nor `write` says anything; default no end. */
  readonly silenceMs?: number;
  /** Bytes of standard output after which it is ended; default 64 MiB. */
  readonly mostOutput?: number;
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds between SIGTERM and SIGKILL; default 5 s. */
  readonly graceMs?: number;
  /** Runs in its own process group, which ends as a whole and does not get the terminal's ^C; default false. */
  readonly ownGroup?: boolean;
  /** The last bytes of standard error that are kept; default 16 KiB. */
  readonly keptComplaints?: number;
  /** Default true; false = standard output is for `onLine` alone. */
  readonly keepsOutput?: boolean;
  /** Called with each chunk of standard output. */
  readonly onOutput?: (chunk: Buffer) => void;
  /** Called with each line, also a last one without a newline. */
  readonly onLine?: (line: string, stream: "stdout" | "stderr") => void;
}

/** What ended a program early: a limit, the signal, or a call of `end`. */
export type Cut = "timeout" | "silence" | "output" | "aborted" | "ended";

/** How a program ended. */
export interface Ended {
  /** null = a signal ended it, or it never ran. */
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: Buffer;
  readonly stderr: string;
  /** undefined = it ended by itself. */
  readonly cut?: Cut;
  /** Why it could not be started. */
  readonly unstarted?: Error;
}

export interface Running {
  /** 0 = it could not be started. */
  readonly pid: number;
  /** Never rejects. */
  readonly ended: Promise<Ended>;
  /** Ends it: SIGTERM, then SIGKILL if it goes on. */
  end(): void;
  /** Resolves when the chunk was taken, or when nobody reads any more: `ended` tells why. */
  write(chunk: Buffer | string): Promise<void>;
  /** Does it still read? */
  isOpen(): boolean;
  /** Closes standard input. */
  close(): void;
  /** From now on it has no limits and no signal, and this process does not wait for it. */
  keep(): void;
}

/** More standard error than this ends the program. */
const MOST_COMPLAINTS = 16 * 1024 * 1024;
const MOST_OUTPUT = 64 * 1024 * 1024;
const KEPT_COMPLAINTS = 16 * 1024;
const GRACE_MS = 5_000;
/** How long a program that was ended early, and has exited, is still listened to. */
const LAST_WORDS_MS = 500;
/** The longest time that a timer of Node can wait, milliseconds: 24 days. */
export const FOREVER_MS = 2 ** 31 - 1;

/** Runs a program to its end. Never rejects. */
export function runProgram(words: readonly string[], options: ProgramOptions = {}): Promise<Ended> {
  return startProgram(words, options).ended;
}

/** Starts a program that can be written to and ended. Never throws. */
export function startProgram(words: readonly string[], options: ProgramOptions = {}): Running {
  if (options.signal?.aborted) return neverRan({ cut: "aborted" });
  const [file = "", ...args] = words;
  const { cwd, env = process.env, output = "pipe", ownGroup = false } = options;
  try {
    return follow(spawn(file, args, { cwd, env, stdio: ["pipe", output, "pipe"], detached: ownGroup }), options);
  } catch (error) {
    // For example when arguments are too long.
    return neverRan({ unstarted: error as Error });
  }
}

function neverRan(why: Pick<Ended, "cut" | "unstarted">): Running {
  const ended = Promise.resolve({ code: null, signal: null, stdout: Buffer.alloc(0), stderr: "", ...why });
  return { pid: 0, ended, end: () => {}, write: async () => {}, isOpen: () => false, close: () => {}, keep: () => {} };
}

function follow(child: ChildProcess, options: ProgramOptions): Running {
  const { input, talks = false, timeoutMs, silenceMs, signal, ownGroup = false, graceMs = GRACE_MS } = options;
  let cut: Cut | undefined;
  let killing: NodeJS.Timeout | undefined;
  let closing: NodeJS.Timeout | undefined;
  let isLimited = true;
  const end = (why: Cut) => {
    if (cut !== undefined) return;
    cut = why;
    child.stdin?.destroy();
    kill(child, "SIGTERM", ownGroup);
    killing = setTimeout(() => kill(child, "SIGKILL", ownGroup), graceMs);
  };
  const hasExited = () => child.exitCode !== null || child.signalCode !== null;
  const timeOver = () => {
    if (!isLimited) return;
    if (!hasExited()) return end("timeout");
    // All that is missing is the end of its output, which may have come, or be another process's.
    closing = setTimeout(() => {
      cut ??= "timeout";
      closeOutput(child);
    }, LAST_WORDS_MS);
  };
  // This process may have been held up for as long: what has happened meanwhile is heard first.
  const late = timeoutMs && setTimeout(() => setImmediate(timeOver), Math.min(timeoutMs, FOREVER_MS));
  const silence = silenceMs === undefined ? undefined : setTimeout(() => end("silence"), silenceMs);
  const abort = () => end("aborted");
  signal?.addEventListener("abort", abort);
  const said = listen(
    child,
    options,
    () => silence?.refresh(),
    () => end("output"),
  );
  const write = (chunk: Buffer | string) =>
    new Promise<void>((resolve) => {
      child.stdin?.write(chunk, () => {
        silence?.refresh();
        resolve();
      });
    });
  child.stdin?.on("error", () => {}); // the exit code says why it did not listen
  if (!talks) child.stdin?.end(input ?? "");
  const unlimit = () => {
    isLimited = false;
    for (const timer of [late, silence]) clearTimeout(timer || undefined);
    signal?.removeEventListener("abort", abort);
  };
  const ended = new Promise<Ended>((resolve) => {
    const over = (code: number | null, name: NodeJS.Signals | null, unstarted?: Error) => {
      unlimit();
      clearTimeout(killing);
      clearTimeout(closing);
      child.stdin?.destroy();
      resolve({ code, signal: name, ...said(), ...(cut && { cut }), ...(unstarted && { unstarted }) });
    };
    child.once("error", (error) => over(null, null, error));
    // Another process may hold its output: the rest of it is of no use after a cut.
    child.once("exit", () => cut !== undefined && setTimeout(() => closeOutput(child), LAST_WORDS_MS).unref());
    child.once("close", (code, name) => over(code, name));
  });
  return {
    pid: child.pid ?? 0,
    ended,
    end: () => end("ended"),
    write,
    isOpen: () => child.stdin?.writable === true,
    close: () => child.stdin?.end(),
    keep: () => {
      unlimit();
      child.unref();
      for (const stream of child.stdio) (stream as Socket | null)?.unref();
    },
  };
}

/** Reads its output; answers with what is kept of it. */
function listen(
  { stdout, stderr }: ChildProcess,
  { mostOutput = MOST_OUTPUT, keptComplaints = KEPT_COMPLAINTS, keepsOutput = true, onOutput, onLine }: ProgramOptions,
  heard: () => void,
  tooMuch: () => void,
): () => Pick<Ended, "stdout" | "stderr"> {
  const out: Buffer[] = [];
  let complaints = Buffer.alloc(0);
  const follow = (from: Readable | null, most: number, keep: (chunk: Buffer) => void) => {
    let size = 0;
    from?.on("data", (chunk: Buffer) => {
      heard();
      size += chunk.length;
      if (size > most) tooMuch();
      else keep(chunk);
    });
  };
  follow(stdout, mostOutput, (chunk) => {
    if (keepsOutput) out.push(chunk);
    onOutput?.(chunk);
  });
  follow(stderr, Math.max(MOST_COMPLAINTS, keptComplaints), (chunk) => {
    complaints = Buffer.concat([complaints, chunk]).subarray(-keptComplaints);
  });
  if (onLine !== undefined) {
    if (stdout !== null) createInterface({ input: stdout }).on("line", (line) => onLine(line, "stdout"));
    if (stderr !== null) createInterface({ input: stderr }).on("line", (line) => onLine(line, "stderr"));
  }
  return () => ({ stdout: Buffer.concat(out), stderr: complaints.toString("utf8") });
}

function closeOutput({ stdout, stderr }: ChildProcess): void {
  stdout?.destroy();
  stderr?.destroy();
}

function kill(child: ChildProcess, name: NodeJS.Signals, group: boolean): void {
  if (child.pid === undefined) return;
  try {
    if (group) process.kill(-child.pid, name);
    else child.kill(name);
  } catch {
    // it has ended
  }
}

/** Runs a short program synchronously. Never throws. */
export function runProgramNow(
  [file = "", ...args]: readonly string[],
  { env = process.env, input = "" }: Pick<ProgramOptions, "env" | "input"> = {},
): Pick<Ended, "code" | "unstarted" | "stderr"> & { readonly stdout: string } {
  const { status, stdout, stderr, error } = spawnSync(file, args, { encoding: "utf8", env, input });
  return { code: status, stdout: stdout ?? "", stderr: stderr ?? "", ...(error && { unstarted: error }) };
}
