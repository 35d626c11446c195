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
 * Intents on disk, one file a label: written before a rental is sent, closed when the instance is in the state or
 * certainly gone. What a killed process leaves open, the next one settles. A closed intent leaves a record where every
 * rental under its label is known: proof that nothing else was rented, as long as the label is used.
 */
export class Journal {
  readonly #dir: string;

  /** @param dir `journal` of the state directory */
  constructor(dir: string) {
    this.#dir = dir;
  }

  /**
   * Writes an intent; safe on disk when it returns. Throws when one is open under this label that is another process's,
   * or that became an instance: that would be forgotten.
   */
  open(wish: Wish): void {
    const { intent, record } = this.#entry(wish.label);
    if (intent !== undefined && (holderOf(intent) !== "us" || intent.instanceIds.length > 0)) {
      throw new Error(`nothing is rented before what was begun as ${wish.label} is settled; run this again`);
    }
    this.#write({ ...wish, ...markOf(), instanceIds: [], ...(record === undefined ? {} : { record }) });
  }

  /** Adds an instance to those that an intent became. The intent becomes this process's. */
  note(label: string, instanceId: number): void {
    const intent = this.find(label);
    if (intent === undefined) return;
    const { left: _, instanceIds, ...rest } = intent;
    this.#write({ ...rest, ...markOf(), instanceIds: [...new Set([...instanceIds, instanceId])] });
  }

  /** A step may begin under this label: its intent no longer proves that none has. */
  touch(label: string): void {
    const { untouched, ...intent } = this.find(label) ?? {};
    if (untouched !== undefined && "pid" in intent) this.#write(intent);
  }

  /** The order that Vast end the machine by itself is not on its way any more. */
  noteArmed(label: string): void {
    const intent = this.find(label);
    if (intent !== undefined) this.#write({ ...intent, armed: true });
  }

  /** Notes the last words of the process that holds an intent. */
  leave(label: string, left: string): void {
    const intent = this.find(label);
    if (intent !== undefined) this.#write({ ...intent, left });
  }

  /** Closes the intent: every rental under this label is accounted for. */
  close(label: string): void {
    const intent = this.find(label);
    if (intent === undefined) return;
    const { record, instanceIds } = intent;
    if (record === undefined) this.#remove(label);
    else this.#writeRecord(label, { rented: [...record.rented, ...instanceIds] });
  }

  /**
   * Begins a record: the label is new, or Vast has been asked long enough, so that from here on every rental under it
   * is known.
   */
  begin(label: string): void {
    const { intent, record } = this.#entry(label);
    if (intent === undefined && record === undefined) this.#write({ label, record: { rented: [] } });
  }

  /** Does this journal know of every rental under this label? */
  isKnown(label: string): boolean {
    return this.#entry(label).record !== undefined;
  }

  /** Drops the record: somebody else may have rented under this label, or nobody will again. */
  forget(label: string): void {
    const { record: _, ...intent } = this.find(label) ?? {};
    if ("pid" in intent) this.#write(intent);
    else this.#remove(label);
  }

  /** This instance is in the state, or gone: closes what became it and nothing else. */
  closeInstance(instanceId: number): void {
    for (const intent of this.listOpen().filter(({ instanceIds }) => instanceIds.includes(instanceId))) {
      const instanceIds = intent.instanceIds.filter((id) => id !== instanceId);
      const { record } = intent;
      if (instanceIds.length === 0) this.close(intent.label);
      else if (record === undefined) this.#write({ ...intent, instanceIds });
      else this.#write({ ...intent, instanceIds, record: { rented: [...record.rented, instanceId] } });
    }
  }

  /** Was an instance rented under another label, and not under this one, whatever label Vast shows? */
  isOfAnother(instanceId: number, label: string): boolean {
    const ids = ({ intent, record }: Entry) => [...(intent?.instanceIds ?? []), ...(record?.rented ?? [])];
    const renters = this.#entries().filter((entry) => ids(entry).includes(instanceId));
    return renters.length > 0 && renters.every((entry) => entry.label !== label);
  }

  /** The open intent of a label. Throws when its file cannot be read. */
  find(label: string): Intent | undefined {
    return this.#entry(label).intent;
  }

  /** Has a process that ended left something open under this label? */
  isLeft(label: string): boolean {
    const intent = this.find(label);
    return intent !== undefined && holderOf(intent) === "nobody";
  }

  /** Open intents of all labels, except those in files that cannot be read: see `unreadable`. */
  listOpen(): Intent[] {
    return this.#entries().flatMap(({ intent }) => intent ?? []);
  }

  /** Files that cannot be read: a sentence each, with what to do. Who needs every open intent must stop there. */
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
      // On a full disk a file can still be removed: the next process knows less, and waits.
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

/** Who holds an intent: this process, nobody (its process has ended), a running process, or one on another host. */
export function holderOf(intent: ProcessMark): "us" | "nobody" | "running" | "elsewhere" {
  const own = markOf();
  const { host, pid, startedAt } = intent;
  if (host === own.host && pid === own.pid && startedAt === own.startedAt) return "us";
  const state = stateOf(intent);
  return state === "ended" ? "nobody" : state;
}

/** The stack that rents it, from its URN; undefined = not known. */
export function stackOf({ urn }: Pick<Intent, "urn">): string | undefined {
  return /^urn:pulumi:([^:]+)::/.exec(urn)?.[1];
}
