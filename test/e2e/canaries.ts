import { readFileSync } from "node:fs";
import { join } from "node:path";
import { filesBelow, listIfThere } from "../support/files-below.ts";

/** A secret in the forms in which it may turn up. */
export interface Canary {
  readonly name: string;
  readonly forms: readonly string[];
}

/** As it is, in hex, in base64 wherever in a longer text it began, in a URL, in JSON, and in JSON in JSON. */
export function canaryOf(name: string, value: string | Buffer): Canary {
  const bytes = Buffer.from(value);
  const forms = [bytes.toString("hex"), ...base64Forms(bytes)];
  if (typeof value !== "string") return { name, forms };
  const json = (text: string) => JSON.stringify(text).slice(1, -1);
  const texts = [value, encodeURIComponent(value), new URLSearchParams({ v: value }).toString().slice(2)];
  return { name, forms: [...new Set([...forms, ...texts, json(value), json(json(value))])] };
}

/** What stays the same of its base64 after zero, one or two other bytes, with either alphabet. */
function base64Forms(bytes: Buffer): string[] {
  return [0, 1, 2].flatMap((before) => {
    const text = Buffer.concat([Buffer.alloc(before), bytes])
      .toString("base64")
      .replace(/=+$/, "");
    const sure = text.slice(Math.ceil((before * 4) / 3), text.length - 1);
    return [sure, sure.replaceAll("+", "-").replaceAll("/", "_")];
  });
}

/** "HF_TOKEN" for each canary that is in a text. */
export function found(canaries: readonly Canary[], text: string): string[] {
  return canaries.filter(({ forms }) => forms.some((form) => text.includes(form))).map(({ name }) => name);
}

/** "path: HF_TOKEN" for each canary in a file below a folder, but for files that `may` hold it. Links are not followed. */
export function foundBelow(folder: string, canaries: readonly Canary[], may: (path: string) => boolean): string[] {
  return filesBelow(folder)
    .filter((path) => !may(path))
    .flatMap((path) => found(canaries, readIfThere(join(folder, path))).map((name) => `${path}: ${name}`));
}

/** "" = it is not there, or not any more. */
export function readIfThere(file: string): string {
  try {
    return readFileSync(file, "latin1");
  } catch {
    return "";
  }
}

export interface Watch {
  /** Canaries that were seen in a command line or in a file for a moment. */
  stop(): string[];
}

/** Looks at the command line of every process, and at the files of a folder, until stopped. */
export function watchFor(canaries: readonly Canary[], folder: string): Watch {
  const lines = new Set<string>();
  const files = new Set<string>();
  const timer = setInterval(() => {
    for (const pid of listIfThere("/proc").filter((name) => /^\d+$/.test(name))) {
      lines.add(readIfThere(`/proc/${pid}/cmdline`));
    }
    for (const hit of foundBelow(folder, canaries, () => false)) files.add(hit);
  }, 50).unref();
  return {
    stop: () => {
      clearInterval(timer);
      return [...found(canaries, [...lines].join("\n")).map((name) => `a command line: ${name}`), ...files];
    },
  };
}
