import { readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { onDisk } from "../../lib/disk.ts";
import { flush, writeWhole } from "../../lib/draft.ts";
import { markOf, type ProcessMark, stateOf } from "../../programs/process.ts";
import { type Entry, type Intent, type LabelRecord, readEntry, SUFFIX } from "./entry.ts";

export type { Intent } from "./entry.ts";

/** What a process writes down before it rents. */
export type Wish = Omit<Intent, keyof ProcessMark | "instanceIds" | "left" | "record" | "armed">;

/**
 * Intents on disk, one file a label: written before a rental leaves, closed when the state has the instance or the
 * instance is gone for certain. What a killed process leaves open is settled by the next one. A closed intent leaves a
 * record, where all rentals under its label are known: proof that nothing else was rented, as long as the label is used.
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
    const { intent, record } = this.#entry(wish.label);
    if (intent !== undefined && (holderOf(intent) !== "us" || intent.instanceIds.length > 0)) {
      throw new Error(`nothing is rented before what was begun as ${wish.label} is settled; run this again`);
    }
    this.#write({ ...wish, ...markOf(), instanceIds: [], ...(record === undefined ? {} : { record }) });
  }

  /** Notes an instance that an intent became, beside those that it became before. The intent becomes this process's. */
  note(label: string, instanceId: number): void {
    const intent = this.find(label);
    if (intent === undefined) return;
    const { left: _, instanceIds, ...rest } = intent;
    this.#write({ ...rest, ...markOf(), instanceIds: [...new Set([...instanceIds, instanceId])] });
  }

  /** A step may begin on what is open under this label: it proves nothing any more. */
  touch(label: string): void {
    const { untouched, ...intent } = this.find(label) ?? {};
    if (untouched !== undefined && "pid" in intent) this.#write(intent);
  }

  /** Nothing that would end what came of it is on its way to Vast any more. */
  noteArmed(label: string): void {
    const intent = this.find(label);
    if (intent !== undefined) this.#write({ ...intent, armed: true });
  }

  /** Notes the last words of the process that holds an intent. */
  leave(label: string, left: string): void {
    const intent = this.find(label);
    if (intent !== undefined) this.#write({ ...intent, left });
  }

  /** Nothing under this label is unaccounted for any more. */
  close(label: string): void {
    const intent = this.find(label);
    if (intent === undefined) return;
    const { record, instanceIds } = intent;
    if (record === undefined) this.#remove(label);
    else this.#writeRecord(label, { rented: [...record.rented, ...instanceIds] });
  }

  /** From here on every rental under this label is known here: it is new, or Vast was asked for as long as it takes. */
  begin(label: string): void {
    const { intent, record } = this.#entry(label);
    if (intent === undefined && record === undefined) this.#write({ label, record: { rented: [] } });
  }

  /** Is all that was rented under this label known here? */
  isKnown(label: string): boolean {
    return this.#entry(label).record !== undefined;
  }

  /** What is recorded of this label is no proof any more: somebody else may have rented under it, or nobody will again. */
  forget(label: string): void {
    const { record: _, ...intent } = this.find(label) ?? {};
    if ("pid" in intent) this.#write(intent);
    else this.#remove(label);
  }

  /** This instance is in the state, or gone: what became it and nothing else is closed. */
  closeInstance(instanceId: number): void {
    for (const intent of this.listOpen().filter(({ instanceIds }) => instanceIds.includes(instanceId))) {
      const instanceIds = intent.instanceIds.filter((id) => id !== instanceId);
      const { record } = intent;
      if (instanceIds.length === 0) this.close(intent.label);
      else if (record === undefined) this.#write({ ...intent, instanceIds });
      else this.#write({ ...intent, instanceIds, record: { rented: [...record.rented, instanceId] } });
    }
  }

  /** Was an instance rented under another label, and not under this one? What Vast calls it may say something else. */
  isOfAnother(instanceId: number, label: string): boolean {
    const ids = ({ intent, record }: Entry) => [...(intent?.instanceIds ?? []), ...(record?.rented ?? [])];
    const renters = this.#entries().filter((entry) => ids(entry).includes(instanceId));
    return renters.length > 0 && renters.every((entry) => entry.label !== label);
  }

  /** What is open under a label. Throws when its file cannot be read: then nobody knows. */
  find(label: string): Intent | undefined {
    return this.#entry(label).intent;
  }

  /** Has a process that ended left something open under this label? */
  isLeft(label: string): boolean {
    const intent = this.find(label);
    return intent !== undefined && holderOf(intent) === "nobody";
  }

  /** What is open under all labels, but for files that cannot be read: see `unreadable`. */
  listOpen(): Intent[] {
    return this.#entries().flatMap(({ intent }) => intent ?? []);
  }

  /** Why files cannot be read, a sentence each with what to do: whoever must know all that is open stops there. */
  unreadable(): string[] {
    return this.#read().flatMap((entry) => (entry instanceof Error ? entry.message : []));
  }

  #entry(label: string): Partial<Entry> {
    const entry = readEntry(this.fileOf(label)) ?? {};
    if (entry instanceof Error) throw entry;
    return entry;
  }

  #entries(): Entry[] {
    return this.#read().flatMap((entry) => (entry instanceof Error ? [] : entry));
  }

  #read(): (Entry | Error)[] {
    const names = readdirSync(this.#dir).filter((name) => name.endsWith(SUFFIX));
    return names.map((name) => readEntry(join(this.#dir, name))).filter((entry) => entry !== undefined);
  }

  #writeRecord(label: string, record: LabelRecord): void {
    try {
      this.#write({ label, record });
    } catch {
      // A full disk has room to remove a file: whoever comes next knows less, and waits.
      this.#remove(label);
    }
  }

  #write(content: Intent | Entry): void {
    writeWhole(this.fileOf(content.label), `${JSON.stringify(content, undefined, 2)}\n`);
  }

  #remove(label: string): void {
    const file = this.fileOf(label);
    onDisk(file, () => {
      rmSync(file, { force: true });
      flush(this.#dir);
    });
  }

  /** Where the intent under a label is written. */
  fileOf(label: string): string {
    return join(this.#dir, `${encodeURIComponent(label)}${SUFFIX}`);
  }
}

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
