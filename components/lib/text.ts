import { hidden } from "./secrets.ts";

const ESCAPE_SEQUENCE = new RegExp(`${String.fromCharCode(27)}\\[[0-9;:?]*[ -/]*[@-~]`, "g");
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Co}\p{Cs}]+/gu;

/**
 * Text from Vast or from a machine, made safe to show in one line: credentials and escape sequences go, control characters
 * (newlines, bidi marks) become blanks, runs of blanks become one, and what is longer than `limit` characters is cut.
 */
export function printable(text: string, limit = 300): string {
  return oneLine(printableLines(text), limit);
}

/** The same for a text that is compared too: credentials stay in it. */
export function oneLine(text: string, limit = 300): string {
  const clean = withoutControls(text).replace(/\s+/g, " ").trim();
  return clean.length > limit ? `${clean.slice(0, limit - 1)}…` : clean;
}

/** A longer text, made safe to show line by line. Tabs become blanks. */
export function printableLines(text: string): string {
  const lines = text.split(/\r\n|[\n\r\u2028\u2029]/);
  return hidden(lines.map((line) => withoutControls(line).trimEnd()).join("\n"));
}

function withoutControls(text: string): string {
  return text.replace(ESCAPE_SEQUENCE, "").replace(UNPRINTABLE, " ");
}

/** "41 s", "5 min", "3 h 20 min", "2 d 3 h" */
export function durationText(seconds: number): string {
  const minutes = Math.floor(seconds / 60);
  if (minutes < 1) return `${Math.floor(seconds)} s`;
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? `${hours} h ${minutes % 60} min` : `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

/** "1.2 GB" */
export function sizeText(bytes: number): string {
  const units = ["bytes", "kB", "MB", "GB", "TB"];
  const power = Math.min(Math.floor(Math.log10(Math.max(bytes, 1)) / 3), units.length - 1);
  return `${(bytes / 1000 ** power).toFixed(power === 0 ? 0 : 1)} ${units[power]}`;
}

/** What JSON says; undefined = it is no JSON, or truncated. */
export function jsonIn(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
