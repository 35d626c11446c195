import { z } from "zod";
import { jsonIn, printable } from "../lib/text.ts";

/** What can happen to a run. */
export const WHAT = [
  "quoted",
  "rented",
  "ready",
  "started", // training may begin on it
  "first line", // of training
  "synced", // checkpoints are home, verified
  "outbid",
  "stopped",
  "resumed",
  "bid moved",
  "lease moved",
  "ended", // training has saved and ended
  "failed",
  "released", // gone at Vast
  "folded", // all of a finished run in one line
] as const;

export type What = (typeof WHAT)[number];

const LONGEST_REASON = 200;
const moment = z.int().positive();
const dollars = z.number().min(0).max(1e6);
const words = z.string().transform((text) => printable(text, LONGEST_REASON));

/** Type and bounds of an event; anything else in a file is ignored. Absent = not known, or does not apply. */
const event = z.object({
  /** Milliseconds since 1970. */
  at: moment,
  /** Our own label, under which the run rents. */
  run: z
    .string()
    .regex(/^[\w.:-]{1,100}$/)
    .optional(),
  stack: words.optional(),
  /** Who noted it: program, process and host. */
  actor: words,
  what: z.enum(WHAT),
  reason: words.optional(),
  instance: z.int().positive().optional(),
  machineId: z.int().positive().optional(),
  /** "2x RTX 4090" */
  gpu: words.optional(),
  /** $/h from now on, without disk. */
  gpuPerHour: dollars.optional(),
  diskPerHour: dollars.optional(),
  onDemandPerHour: dollars.optional(),
  /** $/GB */
  trafficPerGb: dollars.optional(),
  /** The API that rented it. */
  api: z.object({ apiUrl: z.string().max(300), apiKeyFile: z.string().max(1000) }).optional(),
  /** Bytes through the machine's ports, or bytes copied home. */
  bytes: z.number().min(0).optional(),
  /** Folder here. */
  home: z.string().max(1000).optional(),
  /** Until when Vast lets it run; null = for ever. */
  until: moment.nullable().optional(),
  /** When it began, if earlier than `at`; of a machine that was seen stopped, when it last ran. Milliseconds since 1970. */
  since: moment.optional(),
  /** What a finished run has cost. */
  dollars: dollars.optional(),
  rentals: z.int().min(0).optional(),
});

/** One thing that happened to a run. Holds no label of anybody else's and no secret. */
export type Event = z.output<typeof event>;

/** What happened, without who noted it; without a time, it happened now. */
export type News = Omit<Event, "at" | "actor"> & { readonly at?: number };

const LONGEST_LINE = 4000;

/** undefined = the line is no event. */
export function eventFrom(text: string): Event | undefined {
  return text.length > LONGEST_LINE ? undefined : event.safeParse(jsonIn(text)).data;
}

/** The line of an event, its texts cut to the lengths that a reader accepts. Throws when it is no valid event. */
export function lineOf(happened: Event): string {
  return JSON.stringify(event.parse(happened));
}
