import { z } from "zod";
import { jsonIn } from "../lib/text.ts";
import * as values from "../lib/values.ts";

// Every value of a stack config arrives as text: scalars as typed, lists and maps as JSON, and what `-c KEY=VALUE`
// sets as whatever was typed there. Each field turns that text into its value, or says what to write instead.

/** Thrown by a field's reader; the message says what to write. */
class Wrong extends Error {}

/** A field reads text and returns a value; when it cannot, the message of its only issue says what to write. */
function field<T>(read: (text: string) => T): z.ZodPipe<z.ZodString, z.ZodTransform<T, string>> {
  return z.string().transform((text, context) => {
    try {
      return read(text.trim());
    } catch (error) {
      if (!(error instanceof Wrong)) throw error;
      context.addIssue({ code: "custom", message: error.message });
      return z.NEVER;
    }
  });
}

/** Text that matches the pattern; `write` says what to write instead. */
export function text(pattern: RegExp, write: string) {
  return field((value) => matching(value, pattern, write));
}

function matching(value: string, pattern: RegExp, write: string): string {
  if (!pattern.test(value)) throw new Wrong(`write ${write}`);
  return value;
}

/** Any printable text on one line, unchanged. */
export function line(write: string) {
  return text(/^[^\p{Cc}]*$/u, write);
}

/** A value of this kind; its error message says what to write. */
export function of<T>(kind: z.ZodType<T>) {
  return field((text) => judged(text, kind));
}

function judged<T>(text: string, kind: z.ZodType<T>): T {
  const { data, error } = kind.safeParse(valueIn(text, kind));
  if (error !== undefined) throw new Wrong(`write ${error.issues[0]?.message}`);
  return data as T;
}

/** The text parsed for this kind; unchanged if it cannot be parsed. */
function valueIn(text: string, kind: z.ZodType): unknown {
  if (kind instanceof z.ZodNumber) return kind.isInt ? integerIn(text) : decimalIn(text);
  if (kind instanceof z.ZodBoolean) return booleanIn(text);
  if (kind instanceof z.ZodEnum) return wordIn(text, kind.options.map(String));
  return text;
}

type FieldOf<Kind extends z.ZodType> = z.ZodPrefault<
  z.ZodType<Kind extends z.ZodDefault ? z.output<Kind> : z.output<Kind> | undefined, string>
>;

/** A field for each of these kinds, with default and description; "" becomes undefined if there is no default. */
export function allOf<Kinds extends Readonly<Record<string, z.ZodType>>>(kinds: Kinds) {
  const fields = Object.entries(kinds).map(([key, kind]) => [key, fieldOf(kind).describe(kind.description ?? "")]);
  return Object.fromEntries(fields) as { [Key in keyof Kinds]: FieldOf<Kinds[Key]> };
}

function fieldOf(kind: z.ZodType) {
  if (kind instanceof z.ZodDefault) return of(kind.unwrap() as z.ZodType).prefault(String(kind.def.defaultValue));
  return field((text) => (text === "" ? undefined : judged(text, kind))).prefault("");
}

export function oneOf<const T extends string>(...words: T[]) {
  return of(values.oneOf(...words));
}

function wordIn(text: string, words: readonly string[]): string | undefined {
  return words.find((word) => word.replace("-", "") === text.toLowerCase().replace(/[-_ ]/g, ""));
}

function booleanIn(text: string): boolean | undefined {
  if (/^(true|yes|on)$/i.test(text)) return true;
  return /^(false|no|off)$/i.test(text) ? false : undefined;
}

export function integer(least: number, most: number, what: string) {
  return of(values.whole(least, most, what));
}

function integerIn(text: string): number {
  return /^\d+$/.test(text) ? Number(text) : Number.NaN;
}

/** A decimal number; `$` before it and `/h` after it are accepted. */
export function decimal(least: number, most: number, what: string) {
  return of(values.decimal(least, most, what));
}

/** As `decimal`, or null for "". */
export function optionalDecimal(least: number, most: number, what: string) {
  return field((text) => (text === "" ? null : judged(text, values.decimal(least, most, what))));
}

function decimalIn(text: string): number {
  return Number(/^\$?\s*(\d+(?:\.\d*)?|\.\d+)\s*(?:\/\s*h)?$/.exec(text)?.[1]);
}

/** "30/60": minutes for one machine, and in all; "30" alone means twice that in all. */
export function minutesPair() {
  return field((value) => {
    const found = /^(\d{1,4})(?:\s*[/,]\s*(\d{1,4}))?$/.exec(value);
    const machine = Number(found?.[1]);
    const total = Number(found?.[2] ?? machine * 2);
    if (machine >= 1 && total >= machine) return { machine, total };
    throw new Wrong("write minutes for one machine and in all, such as 30/60");
  });
}

/** A list: JSON, or words with commas between them. */
export function names(pattern: RegExp, write: string) {
  return field((value) => listOf(value, write).map((name) => matching(name, pattern, write)));
}

function listOf(value: string, write: string): string[] {
  const json = jsonIn(value);
  if (Array.isArray(json)) return json.map((item) => scalarOf(item, write));
  if (typeof json === "object" && json !== null) throw new Wrong(`write ${write}`);
  const words = value.replace(/^\[(.*)\]$/s, "$1").split(",");
  return words.map((word) => word.trim().replace(/^(["'])(.*)\1$/, "$2")).filter((word) => word !== "");
}

/** A JSON list of items of one shape. */
export function list<T extends z.ZodType>(item: T, write: string) {
  return field((value): readonly z.output<T>[] => {
    const items = z.array(item).safeParse(jsonIn(value));
    if (!items.success) throw new Wrong(`write ${write}`);
    return items.data;
  });
}

/** Environment variables: a JSON object, or NAME=value with commas between them. */
export function variables(reserved: readonly string[]) {
  const write = "environment variables, such as {NAME: value} or NAME=value,OTHER=value";
  return field((value) => {
    const entries = entriesOf(value, write);
    const taken = entries.find(([name]) => reserved.includes(name))?.[0];
    if (taken !== undefined) throw new Wrong(`leave ${taken} out: every training gets it from the program`);
    return Object.fromEntries(entries);
  });
}

/** Shell commands: a JSON list, or one command as it is. */
export function commands(write: string) {
  return field((value) => {
    const json = jsonIn(value);
    const list = Array.isArray(json) ? json.map((item) => scalarOf(item, write)) : [value];
    if (list.some((command) => command.trim() === "" || command.includes("\0"))) throw new Wrong(`write ${write}`);
    return list;
  });
}

const TARGET = /^(\/(?!\.\.?(\/|$))[\w.+@-]+)+$/;
const PLACE = /^(?!\.git(\/|$))(?!\.\.?(\/|$))[\w.+@-]+(\/(?!\.\.?(\/|$))[\w.+@-]+)*$/;

/**
 * Links: target on the machine to place in the code's folder. A JSON object, or target=place with commas between them.
 */
export function links() {
  const write = "a path on the machine and where it is to appear in the code, such as {/workspace/data: data}";
  return field((value) => {
    const entries = pairsOf(value, write);
    for (const [target, place] of entries) {
      matching(target, TARGET, write);
      matching(place, PLACE, write);
    }
    const places = entries.map(([, place]) => place);
    const twice = places.find((place, at) => places.indexOf(place) !== at);
    if (twice !== undefined) throw new Wrong(`let ${twice} lead to one path only`);
    return Object.fromEntries(entries);
  });
}

function entriesOf(value: string, write: string): [string, string][] {
  const entries = pairsOf(value, write);
  for (const [name, item] of entries) {
    matching(name, ENV_NAME, write);
    // A shell variable cannot hold NUL, and a shell would cut the text there.
    if (item.includes("\0")) throw new Wrong(`write ${write}`);
  }
  return entries;
}

function pairsOf(value: string, write: string): [string, string][] {
  const json = jsonIn(value);
  return typeof json === "object" && json !== null && !Array.isArray(json)
    ? Object.entries(json).map(([name, item]): [string, string] => [name, scalarOf(item, write)])
    : listOf(value, write).map((pair) => pairOf(pair, write));
}

export const ENV_NAME = /^[A-Za-z_]\w*$/;

function pairOf(pair: string, write: string): [string, string] {
  const [, name, value] = /^([^=]+)=(.*)$/s.exec(pair) ?? [];
  if (name === undefined || value === undefined) throw new Wrong(`write ${write}`);
  return [name.trim(), value];
}

function scalarOf(item: unknown, write: string): string {
  if (["string", "number", "boolean"].includes(typeof item)) return String(item);
  throw new Wrong(`write ${write}`);
}
