import { hostname } from "node:os";
import { appendLine, linesIn } from "../lib/lines.ts";
import type { Instance } from "../vast/client/wire.ts";
import { type Event, eventFrom, lineOf, type News } from "./event.ts";
import { carried, withoutFolded } from "./fold.ts";
import { newsOf } from "./news.ts";

export interface EventsOptions {
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Told once when events cannot be noted. */
  readonly say: (text: string) => void;
  /** What this process is: "pulumi", "vast-run sync". */
  readonly program: string;
  /** The stack of the events noted here; undefined = not known. */
  readonly stack?: string | undefined;
}

/** What the log says, in order of time. */
export interface Read {
  readonly events: readonly Event[];
  /** How many lines were left out because they are no events. */
  readonly unreadable: number;
}

/** Messages that this process has already shown. */
const told = new Set<string>();

/**
 * The log of what happened to this user's runs, a line each, in `events` of the state directory. Status and cost
 * are computed from it. Nothing is rented or released by it: that is the journal's part. A failure to write is reported
 * once, and work goes on.
 */
export class Events {
  readonly #folder: string;
  readonly #options: EventsOptions;

  /** @param folder `events` of the state directory */
  constructor(folder: string, options: EventsOptions) {
    this.#folder = folder;
    this.#options = options;
  }

  /** Appends what has just happened. `run` may be left out for an instance that was rented here. */
  note(news: News): void {
    this.#safely(() => this.#append(news));
  }

  /** Like note(), unless the last such event says the same: for what each run of a program finds again. */
  noteOnce(news: News): void {
    this.#safely(() => {
      const isSame = ({ what, instance, run, stack }: Event) =>
        what === news.what &&
        (news.instance === undefined ? (run ?? stack) === (news.run ?? news.stack) : instance === news.instance);
      const last = this.read().events.findLast(isSame);
      if (last === undefined || factsOf(last) !== factsOf(this.#whole(news))) this.#append(news);
    });
  }

  /** Like note(), unless such an event of this instance was noted before. */
  noteFirst(news: News): void {
    this.#safely(() => {
      const isKnown = this.read().events.some(({ what, instance }) => what === news.what && instance === news.instance);
      if (!isKnown) this.#append(news);
    });
  }

  /** Notes what a look at a machine that was rented here adds; the arguments are those of `newsOf`. */
  noteSeen(id: number, seen: Instance | undefined, upAt?: number): void {
    this.#safely(() => {
      const news = newsOf(this.read().events, id, seen, upAt);
      if (news !== undefined) this.#append(news);
    });
  }

  /** Throws DiskError when there is no such folder. */
  read(): Read {
    const texts = new Set(linesIn(this.#folder).filter((text) => text !== ""));
    const events = [...texts].map(eventFrom);
    const readable = events.filter((event) => event !== undefined);
    return { events: withoutFolded(readable), unreadable: events.length - readable.length };
  }

  #append(news: News): void {
    appendLine(this.#folder, lineOf(this.#whole(news)), carried);
  }

  #whole(news: News): Event {
    const { now, program, stack } = this.#options;
    const known = news.run === undefined && news.instance !== undefined ? this.#runOf(news.instance) : {};
    const actor = `${program} ${process.pid}@${hostname().split(".")[0]}`;
    return { at: Math.round(now()), actor, ...(stack === undefined ? {} : { stack }), ...known, ...news };
  }

  #runOf(id: number): Pick<Event, "run" | "stack"> {
    const rented = this.read().events.findLast(({ what, instance }) => what === "rented" && instance === id);
    const { run, stack } = rented ?? {};
    return { ...(run === undefined ? {} : { run }), ...(stack === undefined ? {} : { stack }) };
  }

  #safely(action: () => void): void {
    try {
      action();
    } catch (error) {
      const text = `what happens cannot be noted in the log of events: ${(error as Error).message}`;
      if (told.has(text)) return;
      told.add(text);
      this.#options.say(text);
    }
  }
}

/** The event without its time and actor. */
function factsOf({ at: _at, actor: _actor, ...facts }: Event): string {
  return JSON.stringify(Object.entries(facts).sort(([one], [other]) => (one < other ? -1 : 1)));
}
