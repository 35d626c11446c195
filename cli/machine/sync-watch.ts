import { setTimeout as sleep } from "node:timers/promises";
import { parseListing } from "../../components/checkpoints/manifest.ts";
import { manifestScript, standingScript } from "../../components/remote/scripts.ts";
import { isRemoteError } from "../../components/ssh/remote-error.ts";
import { runScript } from "../../components/ssh/run-script.ts";
import { isVastError } from "../../components/vast/client/errors.ts";
import { type OptionValues, type Terminal, textOption } from "../command/command.ts";
import { exitCode, Failure } from "../command/failure.ts";
import { againText, isAway, isOver, openMachine, type StackMachine } from "./machine.ts";
import { fetchOnce, type Order, orderFor } from "./sync.ts";

/** Runs `vast-run sync --watch`. */
export async function watchCheckpoints(values: OptionValues, terminal: Terminal): Promise<number> {
  const minutes = minutesIn(textOption(values, "every"));
  const stop = new AbortController();
  const interrupt = () => stop.abort();
  process.once("SIGINT", interrupt);
  try {
    await new Rounds(values, terminal, stop.signal).run(minutes * 60_000);
    return exitCode.ok;
  } finally {
    process.off("SIGINT", interrupt);
  }
}

function minutesIn(text = "10"): number {
  const minutes = Number(text);
  if (minutes > 0 && minutes <= 10_000) return minutes;
  throw new Failure(
    exitCode.usage,
    `--every takes minutes, such as 10 or 0.5, not ${JSON.stringify(text.slice(0, 20))}`,
  );
}

/** Fetches again and again, a line each time. What else is to be known is not said twice in a row. */
class Rounds {
  readonly #values: OptionValues;
  readonly #terminal: Terminal;
  readonly #signal: AbortSignal;
  /** The machine of the last round. */
  #machine: StackMachine | undefined;
  /** What the machine showed before the last round that found everything at rest. */
  #shown = "";
  #said = "";

  constructor(values: OptionValues, terminal: Terminal, signal: AbortSignal) {
    this.#values = values;
    this.#terminal = terminal;
    this.#signal = signal;
  }

  /** Returns when the run is over, or when it is called off. */
  async run(everyMs: number): Promise<void> {
    while (!this.#signal.aborted) {
      const isLast = await this.#round().catch((error: unknown) => this.#trouble(error));
      if (isLast || this.#signal.aborted) return;
      await sleep(everyMs, undefined, { signal: this.#signal }).catch(() => {});
    }
  }

  /** true = nothing more can come. */
  async #round(): Promise<boolean> {
    const machine = await openMachine(this.#values, this.#terminal, this.#signal);
    if (machine.instanceId !== this.#machine?.instanceId) this.#shown = "";
    this.#machine = machine;
    const order = { ...orderFor(machine, this.#values, this.#terminal), signal: this.#signal };
    const shown = await shownBy(order);
    if (shown === this.#shown) {
      this.#say("nothing new");
      return false;
    }
    const fetched = await fetchOnce(order, quiet(this.#terminal));
    this.#shown = fetched.isAtRest ? shown : "";
    this.#say(`${fetched.text}, in ${order.to}`, fetched.sentences);
    if (!fetched.isLast || !fetched.isAtRest) return false;
    const stack = machine.name === undefined ? "" : ` -s ${machine.name}`;
    if (fetched.isWhole) this.#say(`training has ended, and all of it is home; pulumi destroy${stack} ends the bill`);
    else this.#say("training has ended, but not all of it is home: see above", fetched.sentences);
    return fetched.isWhole;
  }

  /** true = the run is over. Throws what does not pass. */
  async #trouble(error: unknown): Promise<boolean> {
    if (this.#signal.aborted) return true;
    if (this.#machine === undefined || !(isAway(error) || isRemoteError(error, "unreachable", "stalling"))) throw error;
    const message = (error as Error).message.replace(/\.$/, "");
    if (isOver(error)) {
      this.#say(`${message}; the run is over`);
      return true;
    }
    const again = isVastError(error, "not_running") ? `; ${await againText(this.#machine)}` : "";
    this.#say(`${message}${again}; the next round tries again`);
    return false;
  }

  #say(line: string, sentences: readonly string[] = []): void {
    this.#terminal.out(`${new Date().toTimeString().slice(0, 5)} ${line}`);
    const more = sentences.join("\n");
    if (more !== this.#said && more !== "") this.#terminal.note(more);
    this.#said = more;
  }
}

/** All that would make another round worthwhile: the checkpoints on the machine, links, and how training stands. */
async function shownBy({ machine, from, signal }: Order): Promise<string> {
  const ask = (script: string) => runScript(machine, script, signal);
  const [listing, standing] = await Promise.all([ask(manifestScript(from, false)), ask(standingScript())]);
  const { files, refused } = parseListing(listing);
  const rows = [...files].map(([name, { size, stamp }]) => [name, size, stamp]);
  return JSON.stringify([rows.sort(), refused, standing.toString("utf8")]);
}

/** Progress is for a line that can be overwritten: each round has one line. */
function quiet(terminal: Terminal): Terminal {
  return { ...terminal, status: terminal.status ?? (() => {}) };
}
