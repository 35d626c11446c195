import { closeSync, fsyncSync, openSync, readdirSync, readFileSync, renameSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";
import { onDisk } from "../../lib/disk.ts";
import { markOf, type ProcessMark, stateOf } from "../../lib/process.ts";
import type { ApiTarget } from "../client/api.ts";
import type { Renter } from "../client/same-account.ts";

/** Something that is about to be rented, or was and is not in the state for certain yet. Holds no secret. */
export interface Intent extends ApiTarget, ProcessMark, Partial<Renter> {
  readonly label: string;
  /** The Pulumi resource; "" when not known. */
  readonly urn: string;
  readonly offerId: number;
  /** Milliseconds since 1970: the rental left then. */
  readonly at: number;
  /** Most that it may cost, $/h. */
  readonly perHour?: number;
  /** No step of ours has begun on anything that carries the label: nothing lived under it when this was written. */
  readonly untouched?: boolean;
  /** What came of it, once it is known. */
  readonly instanceId?: number;
  /** What its process could still say when it was interrupted: one line that names it and what ends the bill. */
  readonly left?: string;
}

/** What a process writes down before it rents. */
export type Wish = Omit<Intent, keyof ProcessMark | "instanceId" | "left">;

/**
 * Intents on disk, one file a label: written before a rental leaves, removed when the state has the instance or the
 * instance is gone for certain. What a killed process leaves open is settled by the next one.
 */
export class Journal {
  readonly #dir: string;

  /** @param dir `journal` of the state directory */
  constructor(dir: string) {
    this.#dir = dir;
  }

  /** On disk when it returns, also when the power goes. Replaces what was open under this label. */
  open(wish: Wish): void {
    this.#write({ ...wish, ...markOf() });
  }

  /** Notes which instance an intent became. The intent becomes this process's. */
  note(label: string, instanceId: number): void {
    const intent = this.find(label);
    if (intent === undefined) return;
    const { left: _, ...rest } = intent;
    this.#write({ ...rest, ...markOf(), instanceId });
  }

  /** Notes the last words of the process that holds an intent. */
  leave(label: string, left: string): void {
    const intent = this.find(label);
    if (intent !== undefined) this.#write({ ...intent, left });
  }

  /** Nothing under this label is unaccounted for any more. */
  close(label: string): void {
    rmSync(this.fileOf(label), { force: true });
    this.#sync();
  }

  /** Closes the intent that became this instance: it is in the state, or gone. */
  closeInstance(instanceId: number): void {
    for (const intent of this.listOpen()) if (intent.instanceId === instanceId) this.close(intent.label);
  }

  find(label: string): Intent | undefined {
    return readIntent(this.fileOf(label));
  }

  /** Has a process that ended left something open under this label? */
  isLeft(label: string): boolean {
    const intent = this.find(label);
    return intent !== undefined && holderOf(intent) === "nobody";
  }

  listOpen(): Intent[] {
    const names = readdirSync(this.#dir).filter((name) => name.endsWith(SUFFIX));
    return names.map((name) => readIntent(join(this.#dir, name))).filter((intent) => intent !== undefined);
  }

  #write(intent: Intent): void {
    const file = this.fileOf(intent.label);
    const draft = `${file}.${process.pid}`;
    onDisk(file, () => {
      const handle = openSync(draft, "w", 0o600);
      try {
        writeSync(handle, `${JSON.stringify(intent, undefined, 2)}\n`);
        fsyncSync(handle);
      } finally {
        closeSync(handle);
      }
      renameSync(draft, file);
      this.#sync();
    });
  }

  /** The name of a file is on disk only when its directory is. */
  #sync(): void {
    const handle = openSync(this.#dir, "r");
    try {
      fsyncSync(handle);
    } finally {
      closeSync(handle);
    }
  }

  /** Where the intent under a label is written. */
  fileOf(label: string): string {
    return join(this.#dir, `${encodeURIComponent(label)}${SUFFIX}`);
  }
}

const SUFFIX = ".json";

/** Who may touch an intent: its own process, and any other once that has ended. */
export function holderOf(intent: Intent): "us" | "nobody" | "running" | "elsewhere" {
  const own = markOf();
  const { host, pid, startedAt } = intent;
  if (host === own.host && pid === own.pid && startedAt === own.startedAt) return "us";
  const state = stateOf(intent);
  return state === "ended" ? "nobody" : state;
}

/** The name of the stack that rents it, by its resource; undefined = not known. */
export function stackOf({ urn }: Pick<Intent, "urn">): string | undefined {
  return /^urn:pulumi:([^:]+)::/.exec(urn)?.[1];
}

/** undefined = there is none, or its file cannot be read as one. */
function readIntent(file: string): Intent | undefined {
  try {
    const intent = JSON.parse(readFileSync(file, "utf8"));
    return typeof intent?.label === "string" && typeof intent.pid === "number" ? intent : undefined;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || error instanceof SyntaxError) return undefined;
    throw error;
  }
}
