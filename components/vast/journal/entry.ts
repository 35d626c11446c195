import { readFileSync } from "node:fs";
import { basename } from "node:path";
import type { Moment } from "../../lib/clock.ts";
import type { ProcessMark } from "../../programs/process.ts";
import type { ApiTarget } from "../client/api.ts";
import type { Renter } from "../client/same-account.ts";

/** Of the files that hold one. */
export const SUFFIX = ".json";

/** A rental that is about to be sent, or was sent and may not be in the state yet. Holds no secret. */
export interface Intent extends ApiTarget, ProcessMark, Moment, Partial<Renter> {
  readonly label: string;
  /** The Pulumi resource; "" when not known. */
  readonly urn: string;
  readonly offerId: number;
  /** When the rental was sent. */
  readonly at: number;
  /** Most that it may cost, $/h. */
  readonly perHour?: number;
  /** No step of ours has begun on anything with this label: nothing lived under it when this was written. */
  readonly untouched?: boolean;
  /** Vast has answered the order to end the machine by itself, yes or no: that order is not on its way any more. */
  readonly armed?: boolean;
  /** Ids of the instances that came of it, as far as known: each may bill until it is in a state, or gone. */
  readonly instanceIds: readonly number[];
  /** Last words of its process when it was interrupted: one line that names the machine and what ends its bill. */
  readonly left?: string;
  /** Record of its label; absent = this journal does not know of every rental under it. */
  readonly record?: LabelRecord;
}

/** Proof that this journal knows of every rental under a label, and that all but the open ones are settled. */
export interface LabelRecord {
  /** Instances that are in a state, or gone. */
  readonly rented: readonly number[];
}

/** What the file of a label holds. */
export interface Entry {
  readonly label: string;
  readonly record?: LabelRecord;
  readonly intent?: Intent;
}

/** undefined = there is no such file; an error = it cannot be read. */
export function readEntry(file: string): Entry | Error | undefined {
  try {
    const { instanceId, ...read } = JSON.parse(readFileSync(file, "utf8"));
    const { label, record, pid, at, instanceIds } = read;
    if (typeof label !== "string") throw new Error("it names no label");
    if (pid === undefined && Array.isArray(record?.rented)) return { label, record };
    if (typeof pid !== "number" || typeof at !== "number") throw new Error("it names no process and no time");
    // Earlier versions noted one.
    const intent = { ...read, instanceIds: instanceIds ?? (instanceId === undefined ? [] : [instanceId]) };
    return { label, record, intent };
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    return code === "ENOENT" ? undefined : unreadable(file, message);
  }
}

/** Is it a journal file that cannot be read? What it knew may bill. */
export function isUnreadable(error: unknown): boolean {
  return error instanceof Error && error.name === "Unreadable";
}

/** The name of the file still tells the label. */
function unreadable(file: string, reason: string): Error {
  const label = decodeURIComponent(basename(file, SUFFIX));
  const text =
    `${file} cannot be read (${reason}), and a machine may bill that nothing else names: look for the label ${label} with ` +
    "vastai show instances, end what carries it with vastai destroy instance, then remove the file";
  return Object.assign(new Error(text), { name: "Unreadable" });
}
