import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, openSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import type { MachineFiles } from "./storage.ts";

/** Where system programs lie, whatever the caller's PATH says. */
export const SYSTEM_PATH = "/usr/sbin:/usr/bin:/sbin:/bin";

/** The container dies with this process, even when that is killed, and every process inside dies with the container. */
const OWN_NAMESPACES = [
  ..."--pdeathsig KILL unshare --mount --pid --uts --ipc --fork --kill-child=KILL".split(" "),
  "/bin/sh",
  join(import.meta.dirname, "enter.sh"),
];

/**
 * Gives the first process its environment: reads NAME=value entries from its input, each ended by NUL, up to an empty
 * one. Names that bash does not allow are left out. So no value is in an argument list or reaches another program.
 */
const READ_ENVIRONMENT =
  'while IFS= read -r -d "" entry && [ -n "$entry" ]; do export "$entry" 2>/dev/null; done; exec "$@"';

const LOG_LINES = 3;

export interface ContainerOptions {
  /** Its root. */
  readonly files: MachineFiles;
  readonly hostname: string;
  /** Environment of its first process. */
  readonly env: Record<string, string>;
  /** Its first process. */
  readonly command: string[];
  /** Where its output goes. */
  readonly logFile: string;
}

/** The processes of a machine, from its start to its end. */
export class Container {
  /** The exit code of its first process; null when it was killed. Then no process is left. */
  readonly ended: Promise<number | null>;
  readonly #child: ChildProcess;
  readonly #answers: AsyncIterator<string>;
  readonly #logFile: string;
  #last: Promise<unknown> = Promise.resolve();

  constructor({ files, hostname, env, command, logFile }: ContainerOptions) {
    this.#logFile = logFile;
    const log = openSync(logFile, "a", 0o600);
    const first = ["/bin/bash", "-c", READ_ENVIRONMENT, "environment", ...command];
    this.#child = spawn("setpriv", [...OWN_NAMESPACES, files.storage, hostname, ...first], {
      cwd: files.folder,
      env: { PATH: SYSTEM_PATH },
      stdio: ["pipe", log, log, "pipe"],
      detached: true, // ^C in a terminal is for the simulator
    });
    closeSync(log);
    const ended = Promise.withResolvers<number | null>();
    this.#child.once("error", ended.reject);
    this.#child.once("exit", (code) => ended.resolve(code));
    this.ended = ended.promise;
    this.ended.catch(() => {}); // reported to whoever awaits it
    this.input.on("error", () => {}); // `ended` reports it
    this.input.write(
      `${Object.entries(env)
        .map(([name, value]) => `${name}=${value}\0`)
        .join("")}\0`,
    );
    this.#answers = createInterface(this.#child.stdio[3] as Readable)[Symbol.asyncIterator]();
  }

  /** Standard input of its first process. */
  get input(): Writable {
    return this.#child.stdin as Writable;
  }

  /** Writes, and waits for the first process's answer. Throws with what it answers other than "ok", or its last words. */
  ask(text: string): Promise<void> {
    this.input.write(text);
    const answer = this.#last.then(() => this.#answer());
    this.#last = answer.catch(() => {});
    return answer;
  }

  /** Ends every process inside. */
  async end(): Promise<void> {
    this.input.end();
    await this.ended;
  }

  async #answer(): Promise<void> {
    const { value, done } = await this.#answers.next();
    if (!done && value === "ok") return;
    if (!done) throw new Error(value);
    await this.ended;
    const words = readFileSync(this.#logFile, "utf8").trimEnd().split("\n").slice(-LOG_LINES).join("; ");
    throw new Error(`the machine has ended: ${words || "it said nothing"}`);
  }
}
