import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { type RemoteError, remoteError } from "../ssh/remote-error.ts";
import { type Login, lastWords, sshTo } from "../ssh/run-script.ts";
import { shellLine } from "../ssh/ssh-key.ts";

/** A copy from a machine to here. */
export interface Copy {
  /** Folder on the machine. */
  readonly from: string;
  /** Folder here; exists. */
  readonly to: string;
  /** Compare contents instead of size and time. */
  readonly checksum: boolean;
  /** Copy links as well, but for those that lead out. */
  readonly links: boolean;
}

/** How ssh is called, and the host as rsync writes it. */
export interface Way {
  readonly ssh: readonly string[];
  readonly host: string;
}

function wayTo(machine: Login): Way {
  return { ssh: sshTo(machine), host: `root@${hostWord(machine.endpoint.host)}` };
}

/**
 * The words of the copy. What a machine sends is not trusted: no links that lead out, no devices, no set-uid bits, and
 * nothing here is ever deleted.
 */
export function rsyncWords(way: Way, { from, to, checksum, links }: Copy): string[] {
  return [
    "rsync",
    "-a",
    links ? "--safe-links" : "--no-links",
    "--no-devices",
    "--no-specials",
    "--no-owner",
    "--no-group",
    "--chmod=u+rwX,a-s",
    "--partial",
    "--protect-args",
    ...(checksum ? ["--checksum"] : []),
    "-e",
    shellLine(way.ssh),
    `${way.host}:${from}/`,
    `${to}/`,
  ];
}

function hostWord(host: string): string {
  return host.includes(":") ? `[${host}]` : host;
}

/** A machine that says more than this on the way is not listened to. */
const MOST_OUTPUT = 16 * 1024 * 1024;
const MOST_WORDS = 4000;

/** Files that vanished on the way: the manifest decides whether that matters. */
const VANISHED = 24;

/** Copies; `progress` hears of texts such as "45 %, 12.34MB/s". Throws RemoteError. */
export function copy(
  machine: Login,
  what: Copy,
  progress: (text: string) => void,
  signal?: AbortSignal,
): Promise<void> {
  const [file = "rsync", ...args] = rsyncWords(wayTo(machine), what);
  const shown = ["--info=progress2", "--no-inc-recursive", "--outbuf=L"];
  return new Promise((resolve, reject) => {
    const child = spawn(file, [...shown, ...args], {
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, LC_ALL: "C" },
      ...(signal ? { signal } : {}),
    });
    const errors: string[] = [];
    createInterface({ input: child.stdout }).on("line", (line) => {
      const text = progressIn(line);
      if (text !== undefined) progress(text);
    });
    let heard = 0;
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      heard += text.length;
      errors.push(...text.slice(-MOST_WORDS).split("\n"));
      errors.splice(0, errors.length - 50);
      if (heard > MOST_OUTPUT) child.kill();
    });
    child.once("error", (error) => reject(remoteError("failed", `rsync cannot be run here: ${error.message}`)));
    child.once("close", (code) => {
      if (heard > MOST_OUTPUT)
        reject(remoteError("failed", "the machine complains without end while it is copied from"));
      else if (code === 0 || code === VANISHED) resolve();
      else reject(copyFailure(code, errors, what.to));
    });
  });
}

/** "  1,234,567  45%   12.34MB/s    0:00:10" -> "45 %, 12.34MB/s" */
export function progressIn(line: string): string | undefined {
  const [, percent, speed] = /\s(\d{1,3})%\s+([\d.]+\w*\/s)/.exec(line) ?? [];
  return percent === undefined ? undefined : `${percent} %, ${speed}`;
}

/** What an exit code and the last words of rsync mean. */
export function copyFailure(code: number | null, errors: readonly string[], to: string): RemoteError {
  const all = errors.join("\n");
  const words = lastWords(errors);
  if (/no space left|disk quota exceeded/i.test(all)) return remoteError("disk_full", `no room is left in ${to}`);
  if (/rsync: (command )?not found|not found: rsync/i.test(all)) {
    return remoteError("failed", "the machine has no rsync (apt-get install rsync on it)");
  }
  if (code === null || [10, 12, 30, 35, 255].includes(code))
    return remoteError("unreachable", `rsync broke off: ${words}`);
  return remoteError("failed", `rsync failed (exit code ${code}): ${words}`);
}
