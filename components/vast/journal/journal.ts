import { closeSync, fsyncSync, openSync, readdirSync, readFileSync, renameSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";
import { onDisk } from "../../lib/disk.ts";
import { markOf, type ProcessMark, stateOf } from "../../lib/process.ts";
import type { ApiTarget } from "../client/api.ts";

/** Something that is about to be rented, or was and is not in the state for certain yet. Holds no secret. */
export interface Intent extends ApiTarget, ProcessMark {
  readonly label: string;
  /** The Pulumi resource; "" when not known. */
  readonly urn: string;
  readonly offerId: number;
  /** Milliseconds since 1970: the rental left then. */
  readonly at: number;
  /** Most that it may cost, $/h. */
  readonly perHour?: number;
  /** Of the account that rents it; absent = not known. */
  readonly accountId?: string;
  /** What came of it, as far as it is known: each may bill until it is in a state, or gone. */
  readonly instanceIds: readonly number[];
  /** What its process could still say when it was interrupted: one line that names it and what ends the bill. */
  readonly left?: string;
}

/** What a process writes down before it rents. */
export type Wish = Omit<Intent, keyof ProcessMark | "instanceIds" | "left">;

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

  /**
   * On disk when it returns, also when the power goes. Throws when something is open under this label that is not this
   * process's, or that became an instance: it would be forgotten.
   */
  open(wish: Wish): void {
    const before = this.find(wish.label);
    if (before !== undefined && (holderOf(before) !== "us" || before.instanceIds.length > 0)) {
      throw new Error(`nothing is rented before what was begun as ${wish.label} is settled; run this again`);
    }
    this.#write({ ...wish, ...markOf(), instanceIds: [] });
  }

  /** Notes an instance that an intent became, beside those that it became before. The intent becomes this process's. */
  note(label: string, instanceId: number): void {
    const intent = this.find(label);
    if (intent === undefined) return;
    const { left: _, instanceIds, ...rest } = intent;
    this.#write({ ...rest, ...markOf(), instanceIds: [...new Set([...instanceIds, instanceId])] });
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

  /** This instance is in the state, or gone: what became it and nothing else is closed. */
  closeInstance(instanceId: number): void {
    for (const intent of this.listOpen().filter(({ instanceIds }) => instanceIds.includes(instanceId))) {
      const instanceIds = intent.instanceIds.filter((id) => id !== instanceId);
      if (instanceIds.length === 0) this.close(intent.label);
      else this.#write({ ...intent, instanceIds });
    }
  }

  /** Was an instance rented under another label, and not under this one? What Vast calls it may say something else. */
  isOfAnother(instanceId: number, label: string): boolean {
    const renters = this.listOpen().filter(({ instanceIds }) => instanceIds.includes(instanceId));
    return renters.length > 0 && renters.every((intent) => intent.label !== label);
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
export function holderOf(intent: ProcessMark): "us" | "nobody" | "running" | "elsewhere" {
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
    const { instanceId, ...intent } = JSON.parse(readFileSync(file, "utf8")) ?? {};
    if (typeof intent.label !== "string" || typeof intent.pid !== "number") return undefined;
    // Earlier versions noted one.
    return { ...intent, instanceIds: intent.instanceIds ?? (instanceId === undefined ? [] : [instanceId]) };
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || error instanceof SyntaxError) return undefined;
    throw error;
  }
}
