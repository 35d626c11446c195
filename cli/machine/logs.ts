import { setTimeout as sleep } from "node:timers/promises";
import type { LogPlace } from "../../components/remote/scripts.ts";
import { isPassing, isVastError } from "../../components/vast/client/errors.ts";
import { type OptionValues, type Terminal, textOption } from "../command/command.ts";
import { exitCode, Failure } from "../command/failure.ts";
import { Shown } from "../command/shown.ts";
import { eventsOf } from "../fleet/events.ts";
import { chosenStack } from "../fleet/runs.ts";
import { homeLogOf, showEnd } from "./home-log.ts";
import type { LogFrame } from "./log-frames.ts";
import { type StreamEnd, streamLog } from "./log-stream.ts";
import { againText, isAway, isOver, openMachine, type StackMachine } from "./machine.ts";

/** Runs `vast-run logs`. */
export async function showLog(values: OptionValues, terminal: Terminal): Promise<number> {
  const lines = lineCount(values);
  const log = new Log(values, terminal, lines);
  const stop = new AbortController();
  const interrupt = () => {
    stop.abort();
    if (log.isConnected) return;
    log.end();
    process.exit(exitCode.ok); // in the midst of a look that nothing calls off
  };
  process.once("SIGINT", interrupt);
  // The reader may stop early: `vast-run logs -f | head`.
  process.stdout.once("error", interrupt);
  try {
    await log.show(stop.signal);
    return exitCode.ok;
  } finally {
    log.end();
    process.off("SIGINT", interrupt);
  }
}

function lineCount(values: OptionValues): number {
  const text = textOption(values, "lines") ?? "50";
  if (!/^\d{1,9}$/.test(text)) {
    throw new Failure(exitCode.usage, `--lines: "${text}" is not a number of lines; write for instance -n 100`);
  }
  return Number(text);
}

/** Pause between two attempts to reach the machine again, milliseconds. */
const RETRY_MS = 3000;

/** The log of a stack's machine. Each line is shown once, however often the connection breaks. */
class Log {
  readonly #values: OptionValues;
  readonly #terminal: Terminal;
  readonly #follow: boolean;
  readonly #shown = new Shown(process.stdout);
  #lines: number | "all";
  #place: LogPlace | undefined;
  #isWaiting = false;
  #trouble = "";
  isConnected = false;

  constructor(values: OptionValues, terminal: Terminal, lines: number) {
    this.#values = values;
    this.#terminal = terminal;
    this.#follow = values.follow === true;
    this.#lines = lines;
  }

  async show(signal: AbortSignal): Promise<void> {
    let machine = await openMachine(this.#values, this.#terminal).catch((error) => this.#showHome(error));
    while (machine !== undefined && !signal.aborted) {
      const ended = await this.#stream(machine, signal);
      if (signal.aborted || ended.is === "done") return;
      if (ended.is === "no log")
        throw new Failure(exitCode.failed, "There is no train.log yet: training has not started");
      if (ended.is === "failed") throw new Failure(exitCode.failed, `The log cannot be read: ${ended.words}`);
      machine = await this.#reopened(machine, ended.words);
    }
  }

  end(): void {
    this.#shown.end();
  }

  async #stream(machine: StackMachine, signal: AbortSignal): Promise<StreamEnd> {
    this.isConnected = true;
    try {
      const step = { from: this.#place, lines: this.#lines, follow: this.#follow };
      return await streamLog(machine, step, { take: (frame) => this.#take(frame) }, signal);
    } finally {
      this.isConnected = false;
    }
  }

  async #take(frame: LogFrame): Promise<void> {
    if (this.#trouble !== "") this.#say("connected again");
    this.#trouble = "";
    if (frame.is === "lost") return this.#say("the log that was shown is not there any more; this is the newest one");
    if (frame.is === "waiting") {
      if (!this.#isWaiting) this.#say("there is no train.log yet; waiting for it");
      this.#isWaiting = true;
      return;
    }
    this.#place = frame.place;
    await this.#write(frame.bytes);
  }

  async #write(bytes: Buffer): Promise<void> {
    if (bytes.length === 0 || this.#shown.write(bytes)) return;
    await new Promise((resolve) => process.stdout.once("drain", resolve));
  }

  /** Shows what is home of the log when nobody can log in. Throws the error when nothing is, or it says nothing of that. */
  async #showHome(error: unknown): Promise<undefined> {
    if (!isAway(error)) throw error;
    const { events } = eventsOf(this.#terminal, "logs").read();
    const copy = homeLogOf(events, await chosenStack(this.#values, this.#terminal, events));
    if (copy === undefined) throw error;
    const at = new Date(copy.copiedAt);
    const time = `${at.toDateString().slice(4, 10)} ${at.toTimeString().slice(0, 5)}`;
    this.#terminal.note(`${(error as Error).message}. This is the log as it was copied home on ${time}: ${copy.file}`);
    await showEnd(copy, this.#lines, (bytes) => this.#write(bytes));
    if (this.#follow)
      this.#terminal.note(isOver(error) ? "The run is over: nothing more comes" : "Nothing more comes from there now");
  }

  /** Asks Vast about the machine until we can log in again. Throws when waiting cannot help. */
  async #reopened(before: StackMachine, words: string): Promise<StackMachine> {
    let first = true;
    for (;;) {
      try {
        const machine = await openMachine(this.#values, this.#terminal);
        if (machine.instanceId !== before.instanceId) this.#begin(machine);
        else if (first) this.#complain(`the connection broke (${words || "no answer"})`);
        return machine;
      } catch (error) {
        const text = await this.#troubleText(before, error);
        if (text === undefined) throw error;
        this.#complain(text);
      }
      first = false;
      await sleep(RETRY_MS);
    }
  }

  /** Starts from the beginning for another machine, which has a log of its own. */
  #begin({ instanceId }: StackMachine): void {
    this.#place = undefined;
    this.#lines = "all";
    this.#complain(`instance ${instanceId} has taken its place`);
  }

  /** A sentence about trouble that may pass; undefined = waiting cannot help. */
  async #troubleText(before: StackMachine, error: unknown): Promise<string | undefined> {
    if (!this.#follow || !isVastError(error)) return undefined;
    if (error.kind === "no_login" || isPassing(error)) return `trying again: ${error.message}`;
    if (error.kind !== "not_running") return undefined;
    return `${error.message}; ${await againText(before)}. Waiting for it; ^C ends that`;
  }

  #complain(text: string): void {
    if (text === this.#trouble) return;
    this.#say(text);
    this.#trouble = text;
  }

  /** Printed with the time of day, which shows between which lines of the log it happened. */
  #say(text: string): void {
    this.#terminal.note(`${new Date().toTimeString().slice(0, 5)} ${text}`);
  }
}
