import { createReadStream } from "node:fs";
import { printable } from "../lib/text.ts";
import { type Running, startProgram } from "../programs/program.ts";
import { remoteError } from "../ssh/remote-error.ts";
import { boundsOf, cutShort, type Login, lastWords, sshTo } from "../ssh/run-script.ts";

/** Serves a request that a running script makes by a line "@@needs WORD…"; `words` are that line's. */
export type RequestHandler = (words: readonly string[], say: Say) => Promise<void>;

/** How a request is answered: on the script's standard input. */
export interface Say {
  line(text: string): Promise<void>;
  /** Sends a file; `sent` is told how many bytes have gone. */
  file(path: string, sent: (bytes: number) => void): Promise<void>;
}

export interface Conversation {
  /** Socket of the user's ssh agent, forwarded to the machine while this runs. */
  readonly agentSocket?: string;
  readonly signal?: AbortSignal;
  /** Told each line that the script prints for people. */
  readonly heard?: (line: string) => void;
}

const MOST_OUTPUT = 16 * 1024 * 1024;

/**
 * Runs a bash script on a machine and serves its requests, one at a time. Throws what a handler throws, the script's
 * last words, or RemoteError: `unreachable` when the connection breaks, `stalling` when it takes too long.
 */
export async function converse(
  machine: Login,
  script: string,
  answer: RequestHandler,
  { agentSocket, signal, heard = () => {} }: Conversation = {},
): Promise<void> {
  let trouble: unknown;
  let answers = Promise.resolve();
  const hear = (line: string) => {
    const [, needs] = /^@@needs (.+)$/.exec(line) ?? [];
    if (needs === undefined) heard(line);
    else
      answers = answers
        .then(() => answer(needs.split(" "), say))
        .catch((error) => {
          trouble ??= error;
          running.end();
        });
  };
  const running = startProgram(words(machine, agentSocket), {
    ...boundsOf(machine),
    env: { ...process.env, ...(agentSocket === undefined ? {} : { SSH_AUTH_SOCK: agentSocket }) },
    talks: true,
    mostOutput: MOST_OUTPUT,
    keepsOutput: false,
    onLine: (line, stream) => stream === "stdout" && hear(line),
    signal,
  });
  const say = sayTo(running);
  void running.write(script);
  const ended = await running.ended;
  await answers;
  const broken = trouble ?? cutShort(ended, machine);
  if (broken !== undefined) throw broken;
  if (ended.code !== 0) throw failure(ended.code, ended.stderr.split("\n"));
}

function words(machine: Login, agentSocket: string | undefined): string[] {
  if (agentSocket === undefined) return [...sshTo(machine), `root@${machine.endpoint.host}`, "bash -s"];
  // A line that is open forwards no agent.
  const [file = "ssh", ...args] = sshTo(machine, { alone: true });
  // The first option counts: our own login offers no key of the agent.
  const forward = ["-A", "-o", "IdentityAgent=SSH_AUTH_SOCK", "-o", "IdentitiesOnly=yes"];
  return [file, ...forward, ...args, `root@${machine.endpoint.host}`, "bash -s"];
}

/** The script's last words are written for people, so they are shown unchanged. */
function failure(code: number | null, words: readonly string[]): Error {
  if (code === 255 || code === null) {
    return remoteError("unreachable", `the connection broke: ${lastWords(words) || "no answer"}`);
  }
  const said = words.filter((line) => line.trim() !== "").map((line) => printable(line, 300));
  return new Error(said.slice(-25).join("\n") || `a step on the machine ended with exit code ${code}`);
}

function sayTo({ write, isOpen }: Running): Say {
  return {
    line: (text) => write(`${text}\n`),
    file: async (path, sent) => {
      let bytes = 0;
      for await (const chunk of createReadStream(path, { highWaterMark: 256 * 1024 })) {
        if (!isOpen()) return;
        await write(chunk);
        bytes += chunk.length;
        sent(bytes);
      }
    },
  };
}
