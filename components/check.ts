import type { Problem } from "./problem.ts";

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
