import { z } from "zod";

// Kinds of values. The error text of each says what to write: "a whole number of GPUs from 1 to 64".

export function whole(least: number, most: number, what: string) {
  const write = `a whole number of ${what} from ${least} to ${most}`;
  return z.int(write).gte(least, write).lte(most, write);
}

export function decimal(least: number, most: number, what: string) {
  const write = `${what} from ${least} to ${most}`;
  return z.number(write).gte(least, write).lte(most, write);
}

export function oneOf<const T extends string>(...words: T[]) {
  return z.enum(words, words.join(" or "));
}

export function boolean() {
  return z.boolean("true or false");
}

/** Text that matches; `write` describes such a text. */
export function matching(pattern: RegExp, write: string) {
  return z.string(write).regex(pattern, write);
}

/** The named fields of an object; missing ones stay missing. */
export function pick<T extends object, K extends keyof T>(whole: T, names: readonly K[]): Pick<T, K> {
  return Object.fromEntries(names.flatMap((name) => (whole[name] === undefined ? [] : [[name, whole[name]]]))) as Pick<
    T,
    K
  >;
}
