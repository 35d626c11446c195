import { spawn } from "node:child_process";
import { createReadStream } from "node:fs";
import type { Writable } from "node:stream";
import { printable } from "../lib/text.ts";
import { remoteError } from "../ssh/remote-error.ts";
import { type Login, lastWords, limited, sshTo } from "../ssh/run-script.ts";

/** What a script on a machine asks for while it runs: the words of its line "@@needs WORD…". */
export type Answer = (words: readonly string[], say: Say) => Promise<void>;

/** How an answer goes in. */
export interface Say {
  line(text: string): Promise<void>;
  /** Hears how many bytes have gone. */
  file(path: string, sent: (bytes: number) => void): Promise<void>;
}

export interface Conversation {
  /** Forward the user's ssh agent to the machine for as long as this lasts; its socket. */
  readonly agentSocket?: string;
  readonly signal?: AbortSignal;
  /** Hears each line that the script says to people. */
  readonly heard?: (line: string) => void;
}

/** How long it may be silent: it may install or check out meanwhile. */
const LONGEST_SILENCE_MS = 1_800_000;
const MOST_LINE = 10_000;
const MOST_OUTPUT = 16 * 1024 * 1024;

/**
 * Runs a bash script on a machine and answers what it asks for, one thing at a time. Throws what an answer throws, or
 * RemoteError `unreachable` when the connection breaks,
 * `stalling` when it takes longer than it may, or the script's last words.
 */
export async function converse(
  machine: Login,
  script: string,
  answer: Answer,
  { agentSocket, signal, heard = () => {} }: Conversation = {},
): Promise<void> {
  const child = login(machine, agentSocket, signal);
  let trouble: unknown;
  const end = (why: unknown) => {
    trouble ??= why;
    child.stdin.destroy();
    child.kill();
  };
  const silence = setTimeout(
    () => end(remoteError("failed", "the machine has said nothing for half an hour")),
    LONGEST_SILENCE_MS,
  );
  const unlimited = limited(machine, end);
  const say = sayTo(child.stdin, () => silence.refresh());
  let answers = Promise.resolve();
  let pending = "";
  let size = 0;
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    silence.refresh();
    size += text.length;
    const lines = (pending + text).split("\n");
    pending = (lines.pop() ?? "").slice(-MOST_LINE);
    if (size > MOST_OUTPUT) end(remoteError("failed", "the machine talks without end"));
    for (const line of lines) {
      const [, needs] = /^@@needs (.+)$/.exec(line) ?? [];
      if (needs === undefined) heard(line);
      else answers = answers.then(() => answer(needs.split(" "), say)).catch(end);
    }
  });
  let complaints = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    silence.refresh();
    complaints = (complaints + text).slice(-MOST_OUTPUT / 1000);
  });
  child.stdin.on("error", () => {}); // the exit code says why it did not listen
  child.stdin.write(script);
  const code = await new Promise<number | null>((resolve) => {
    child.once("error", (error) => end(remoteError("failed", `ssh cannot be run: ${error.message}`)));
    child.once("close", resolve);
  });
  clearTimeout(silence);
  unlimited();
  child.stdin.destroy();
  await answers;
  if (trouble !== undefined) throw trouble;
  if (code !== 0) throw failure(code, complaints.split("\n"));
}

function login(machine: Login, agentSocket: string | undefined, signal: AbortSignal | undefined) {
  const [file = "ssh", ...args] = sshTo(machine);
  // What comes first counts; no key of the agent is for our own login.
  const forward =
    agentSocket === undefined ? [] : ["-A", "-o", "IdentityAgent=SSH_AUTH_SOCK", "-o", "IdentitiesOnly=yes"];
  return spawn(file, [...forward, ...args, `root@${machine.endpoint.host}`, "bash -s"], {
    stdio: "pipe",
    env: { ...process.env, ...(agentSocket === undefined ? {} : { SSH_AUTH_SOCK: agentSocket }) },
    ...(signal ? { signal } : {}),
  });
}

/** The script's last words are for people, as they are. */
function failure(code: number | null, words: readonly string[]): Error {
  if (code === 255 || code === null) {
    return remoteError("unreachable", `the connection broke: ${lastWords(words) || "no answer"}`);
  }
  const said = words.filter((line) => line.trim() !== "").map((line) => printable(line, 300));
  return new Error(said.slice(-25).join("\n") || `a step on the machine ended with exit code ${code}`);
}

function sayTo(stdin: Writable, spoke: () => void): Say {
  const write = (chunk: Buffer | string) =>
    new Promise<void>((resolve) => {
      // Also when nobody listens any more: the exit code tells.
      stdin.write(chunk, () => {
        spoke();
        resolve();
      });
    });
  return {
    line: (text) => write(`${text}\n`),
    file: async (path, sent) => {
      let bytes = 0;
      for await (const chunk of createReadStream(path, { highWaterMark: 256 * 1024 })) {
        if (stdin.destroyed) return;
        await write(chunk);
        bytes += chunk.length;
        sent(bytes);
      }
    },
  };
}
