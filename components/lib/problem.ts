import { printable } from "./text.ts";

/** Something that is wrong before any money is spent. */
export interface Problem {
  /** Key of the stack config that has to change, or to which the problem belongs. */
  readonly key: string;
  /** What was found: a clause. */
  readonly found: string;
  /** What to write or do instead: a clause. Left out where what was found says it. */
  readonly write?: string;
}

/** "gpus: found "three"; write a whole number from 1 to 64" */
export function problemLine({ key, found, write }: Problem): string {
  const remedy = write === undefined ? "" : `; ${printable(write, 400)}`;
  return `${key}: ${printable(found, 800)}${remedy}`;
}

/** What a check found: a value, problems, or neither when what it needs could not be read. */
export interface Check<T> {
  readonly value?: T;
  readonly problems: readonly Problem[];
}

export function passed<T>(value: T): Check<T> {
  return { value, problems: [] };
}

export function failed(problem: Problem): Check<never> {
  return { problems: [problem] };
}

/** Runs what throws a sentence for the user, "KEY: what was found; what to write". */
export function attempt<T>(key: string, action: () => T): Check<T> {
  try {
    return passed(action());
  } catch (error) {
    const [found = "", ...write] = (error as Error).message.replace(`${key}: `, "").split("; ");
    return failed({ key, found, write: write.join("; ") || "mend it" });
  }
}
