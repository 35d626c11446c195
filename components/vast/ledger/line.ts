import { createHash } from "node:crypto";
import { z } from "zod";
import { jsonIn, printable } from "../../lib/text.ts";

/** What Vast rents out: so many GPUs of a machine. Offer ids change within minutes, this never does. */
export interface Slice {
  readonly machineId: number;
  readonly gpus: number;
}

/** A price as it was once, $/h without disk. */
export interface SeenPrice {
  readonly perHour: number;
  /** Milliseconds since 1970. */
  readonly at: number;
}

const LONGEST_WORDS = 160;
const HOURS_OF_TEN_YEARS = 87_600;
const at = z.int().positive();
const onDemand = z.object({ perHour: z.number().min(0).max(10_000), at });
/** Digest of the image that it had pulled then. Lines of an earlier version lack it, and those of a tag without one. */
const pulled = z
  .string()
  .regex(/^sha256:[0-9a-f]{64}$/)
  .exactOptional();
const head = {
  /** When, milliseconds since 1970. */
  at,
  api: z.string().regex(/^[0-9a-f]{8}$/),
  machineId: z.int().positive(),
  gpus: z.int().positive().max(1024),
  onDemand: onDemand.optional(),
};

/** Type and bounds of a line; anything else in a file is ignored. */
const line = z.discriminatedUnion("what", [
  z.object({
    ...head,
    what: z.literal("ready"),
    /** From the rental until it was ready. */
    bootSeconds: z.number().min(0).max(86_400),
    /** Mbit/s: the image's compressed size divided by the time of its pull. */
    pullMbps: z.number().positive().max(1e6).optional(),
    pulled,
  }),
  z.object({
    ...head,
    what: z.literal("fault"),
    words: z.string().transform((text) => printable(text, LONGEST_WORDS)),
  }),
  z.object({ ...head, what: z.literal("outbid") }),
  z.object({ ...head, what: z.literal("served"), hours: z.number().min(0).max(HOURS_OF_TEN_YEARS), pulled }),
]);

/**
 * One thing that a machine did. It names no key, label, image or repository. An image's digest tells its name to nobody
 * who does not have it already.
 */
export type Line = z.output<typeof line>;

/** What happened, without when and where. */
export type Happening = Without<Line, keyof typeof head>;
type Without<Each, Key extends PropertyKey> = Each extends unknown ? Omit<Each, Key> : never;

/** Clocks of two computers may differ by this much. */
const SKEW_MS = 300_000;
/** No line of ours is longer. */
const LONGEST_LINE = 1000;

/** Reads a line that anybody may have written; undefined = not a line, or from the future. */
export function lineFrom(text: string, now: number): Line | undefined {
  if (text.length > LONGEST_LINE) return undefined;
  const found = line.safeParse(jsonIn(text)).data;
  const latest = found === undefined ? 0 : Math.max(found.at, found.onDemand?.at ?? 0);
  return latest > now + SKEW_MS ? undefined : found;
}

/** Tells one API's machines from another's: their ids may be the same, for a simulator counts from one. */
export function markOfApi(apiUrl: string): string {
  return createHash("sha256").update(apiUrl).digest("hex").slice(0, 8);
}

/** Shorter parts of a name are common words and stay in the text. */
const SHORTEST_NAME = 4;

/** The text of a fault, for others to read. @param names label and image; every part of them is left out */
export function publicWords(text: string, names: readonly string[]): string {
  const parts = names.flatMap((name) => [name, ...name.split(/[/:@]/)]).filter(({ length }) => length >= SHORTEST_NAME);
  const longestFirst = parts.toSorted((one, other) => other.length - one.length);
  return printable(
    longestFirst.reduce((left, part) => left.replaceAll(part, "…"), text),
    LONGEST_WORDS,
  );
}
