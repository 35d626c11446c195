import { printable } from "./text.ts";

/** A problem found before any money is spent. */
export interface Problem extends Trouble {
  /** Key of the stack config that has to change, or to which the problem belongs. */
  readonly key: string;
}

/** A problem, without the key that it belongs to. */
export interface Trouble {
  /** What was found: a clause. */
  readonly found: string;
  /** What to write or do instead: a clause. Left out where what was found says it. */
  readonly write?: string;
}

/** Thrown for a problem; whoever shows it makes the text. */
export class ProblemError extends Error {
  readonly problems: readonly Problem[];

  constructor(problems: readonly Problem[]) {
    super(problems.map(problemLine).join("; "));
    this.problems = problems;
  }
}

/** "gpus: found "three"; write a whole number from 1 to 64" */
export function problemLine({ key, ...trouble }: Problem): string {
  return `${key}: ${troubleText(trouble)}`;
}

/** "found "three"; write a whole number from 1 to 64" */
export function troubleText({ found, write }: Trouble): string {
  const remedy = write === undefined ? "" : `; ${printable(write, 400)}`;
  return `${printable(found, 800)}${remedy}`;
}

/**
 * What to do about a connection that did not come about, where its code tells; a clause.
 *
 * @param code as Node names it
 */
export function connectionRemedy(code: string): string | undefined {
  if (/CERT|UNABLE_TO_VERIFY/.test(code)) {
    return "where your network has an authority of its own, set NODE_EXTRA_CA_CERTS to its file, or NODE_USE_SYSTEM_CA=1 where the system knows it";
  }
  if (code === "EPROTO") return "a proxy needs its scheme, such as https_proxy=http://proxy.example:3128";
  return undefined;
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

/** Runs an action that throws problems, or an error that belongs to this key. */
export function attempt<T>(key: string, action: () => T): Check<T> {
  try {
    return passed(action());
  } catch (error) {
    return error instanceof ProblemError
      ? { problems: error.problems }
      : failed({ key, found: (error as Error).message });
  }
}
