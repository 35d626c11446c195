import { appendLine, linesIn } from "../../lib/lines.ts";
import { type Happening, lineFrom, markOfApi, type SeenPrice, type Slice } from "./line.ts";
import { type Standings, standingsOf } from "./standing.ts";

/** The folders of the ledger. */
export interface LedgerFolders {
  /** `ledger` of the state directory. */
  readonly own: string;
  /** The folder that a lab shares; "" = there is none. */
  readonly lab: string;
}

export interface LedgerOptions {
  /** Milliseconds since 1970. */
  readonly now: () => number;
  readonly say: (text: string) => Promise<void>;
}

/** Messages that this process has already shown. */
const told = new Set<string>();

/**
 * The ledger of machines: how each did, for this user and, with `labDir`, for a whole lab. Best effort: a failure to
 * read or write is reported once. Anybody in the lab may write to it, so it is never proof.
 */
export class Ledger {
  readonly #places: LedgerFolders;
  readonly #api: string;
  readonly #options: LedgerOptions;

  /** @param apiUrl the API that rents out the machines */
  constructor(places: LedgerFolders, apiUrl: string, options: LedgerOptions) {
    this.#places = places;
    this.#api = markOfApi(apiUrl);
    this.#options = options;
  }

  /** The standings by both folders, as of now. */
  standings(): Standings {
    const now = this.#options.now();
    const texts = this.#folders().flatMap((folder) => this.#reading(folder));
    const lines = texts.flatMap((text) => lineFrom(text, now) ?? []);
    return standingsOf(
      lines.filter(({ api }) => api === this.#api),
      now,
    );
  }

  /** Notes what has just happened, in the lab's folder or, if that cannot be written, in our own. */
  note({ machineId, gpus }: Slice, happening: Happening, seen?: SeenPrice): void {
    const onDemand = seen && { ...seen, at: Math.round(seen.at) };
    const line = { at: Math.round(this.#options.now()), api: this.#api, machineId, gpus, ...happening, onDemand };
    const text = JSON.stringify(line);
    this.#folders().some((folder) => this.#takes(folder, text));
  }

  #takes(folder: string, text: string): boolean {
    try {
      appendLine(folder, text);
      return true;
    } catch (error) {
      this.#tell(`what machines were like cannot be noted: ${(error as Error).message}`);
      return false;
    }
  }

  #folders(): string[] {
    const { own, lab } = this.#places;
    return lab === "" ? [own] : [lab, own];
  }

  #reading(folder: string): string[] {
    try {
      return linesIn(folder);
    } catch (error) {
      this.#tell(`what machines were like is not known: ${(error as Error).message}`);
      return [];
    }
  }

  #tell(text: string): void {
    if (told.has(text)) return;
    told.add(text);
    void this.#options.say(text);
  }
}
