import { readFileSync, rmSync } from "node:fs";
import { uptime } from "node:os";
import { join } from "node:path";
import { z } from "zod";
import { type Clock, momentOf, since } from "../lib/clock.ts";
import { jsonIn } from "../lib/text.ts";
import { bootOf } from "../programs/process.ts";
import { writeNote } from "./notes.ts";

/** A registry that did not answer is asked again after this. */
const STANDS_MS = 600_000;

const outage = z.object({
  at: z.number(),
  boot: z.object({ id: z.string(), uptime: z.number() }).optional(),
  reason: z.string(),
});

type OutageClock = Pick<Clock, "now" | "boot">;

const here: OutageClock = { now: Date.now, boot: () => ({ id: bootOf(), uptime: Math.round(uptime() * 1000) }) };

/**
 * Notes of registries that did not answer, a file for each in a folder: no other process of this machine waits for the
 * same one within ten minutes. A note of another machine, which may share the folder, or from before a restart tells
 * nothing.
 */
export class Outages {
  readonly #folder: string;
  readonly #clock: OutageClock;

  constructor(folder: string, clock: OutageClock = here) {
    this.#folder = folder;
    this.#clock = clock;
  }

  /** Why this registry is not asked now, a clause; undefined = it is. @param host with its port, if it has one */
  standing(host: string): string | undefined {
    const noted = outage.safeParse(this.#read(host)).data;
    if (noted === undefined) return undefined;
    const { at, reason } = noted;
    const now = momentOf(this.#clock);
    const moment = { at, ...(noted.boot === undefined ? {} : { boot: noted.boot }) };
    if (noted.boot?.id !== now.boot?.id || at > now.at || since(moment, this.#clock) >= STANDS_MS) return undefined;
    const until = `${clockText(at + STANDS_MS)}, or until ${this.#file(host)} is removed`;
    return `${host} could not be reached at ${clockText(at)} (${reason}), and is not asked again until ${until}`;
  }

  note(host: string, reason: string): void {
    writeNote(this.#file(host), `${JSON.stringify({ ...momentOf(this.#clock), reason })}\n`);
  }

  /** It has answered. */
  lift(host: string): void {
    try {
      rmSync(this.#file(host), { force: true });
    } catch {
      // The note ends by itself.
    }
  }

  #read(host: string): unknown {
    try {
      return jsonIn(readFileSync(this.#file(host), "utf8"));
    } catch {
      return undefined;
    }
  }

  #file(host: string): string {
    return join(this.#folder, `${encodeURIComponent(host)}.unreachable`);
  }
}

/** "14:03", as the clock on the wall has it. */
function clockText(at: number): string {
  return new Date(at).toTimeString().slice(0, 5);
}
