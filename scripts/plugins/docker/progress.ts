import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { readTrace } from "./trace.ts";

/** One message of the engine's stream of JSON. */
interface Message {
  id?: string;
  stream?: string;
  status?: string;
  progress?: string;
  error?: string;
  errorDetail?: { message?: string };
  aux?: unknown;
}

/** The result of a build or a push. */
export interface Outcome {
  imageId?: string;
  digest?: string;
}

const keptLines = 15;

/** Follows a build or a push to its end. Rejects with the engine's words and the last lines of the step that failed. */
export async function follow(body: Readable, status: (text: string) => void): Promise<Outcome> {
  const outcome: Outcome = {};
  const steps = new Steps(status);
  for await (const line of createInterface({ input: body })) {
    if (line.trim() === "") continue;
    const message = JSON.parse(line) as Message;
    if (message.error !== undefined) throw new Error(steps.failure(message.errorDetail?.message ?? message.error));
    if (message.id === "moby.buildkit.trace") steps.trace(String(message.aux));
    else if (message.aux !== undefined) take(outcome, message.aux as { ID?: unknown; Digest?: unknown });
    else if (message.stream !== undefined) steps.print(message.stream);
    else if (message.status !== undefined)
      status([message.id, message.status, message.progress].filter(Boolean).join(" "));
  }
  return outcome;
}

function take(outcome: Outcome, { ID, Digest }: { ID?: unknown; Digest?: unknown }): void {
  if (typeof ID === "string") outcome.imageId = ID;
  if (typeof Digest === "string") outcome.digest = Digest;
}

/** The steps of a build with their last lines, so that a failure can show its own. */
class Steps {
  readonly #status: (text: string) => void;
  readonly #lines = new Map<string, string[]>();
  readonly #rest = new Map<string, string>();
  readonly #names = new Map<string, string>();
  #current = "";
  #failed: string | undefined;

  constructor(status: (text: string) => void) {
    this.#status = status;
  }

  /** From the classic builder. */
  print(text: string): void {
    if (/^Step \d+\/\d+ : /.test(text)) {
      this.#current = text.trim();
      this.#names.set(this.#current, this.#current);
    }
    this.#add(this.#current, text);
  }

  /** From BuildKit. */
  trace(base64: string): void {
    const { steps, lines } = readTrace(base64);
    for (const { id, name, started, error } of steps) {
      if (started && !this.#names.has(id)) {
        this.#names.set(id, name);
        this.#status(name);
      }
      if (error !== "") this.#failed = id;
    }
    for (const { step, text } of lines) this.#add(step, text);
  }

  failure(message: string): string {
    const step = this.#failed ?? this.#current;
    const name = this.#names.get(step);
    this.#add(step, "\n");
    const lines = (this.#lines.get(step) ?? []).filter((line) => line !== name);
    return [message, ...(name ? [name] : []), ...lines.map((line) => `  ${line}`)].join("\n");
  }

  /** Output comes in pieces; a piece may end in the middle of a line. */
  #add(step: string, text: string): void {
    const lines = ((this.#rest.get(step) ?? "") + text).split(/[\r\n]+/);
    this.#rest.set(step, lines.pop() ?? "");
    const whole = lines.map((line) => line.trimEnd()).filter((line) => line !== "");
    for (const line of whole) this.#status(line);
    this.#lines.set(step, [...(this.#lines.get(step) ?? []), ...whole].slice(-keptLines));
  }
}
