const ESCAPE_SEQUENCE = new RegExp(`${String.fromCharCode(27)}\\[[0-9;:?]*[ -/]*[@-~]`, "g");
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Co}\p{Cs}]+/gu;

/**
 * Text from Vast or from a machine, made safe to print in one line: escape sequences go, control characters (newlines,
 * bidi marks) become blanks, runs of blanks become one, and what is longer than `limit` characters is cut.
 */
export function printable(text: string, limit = 300): string {
  const clean = withoutControls(text).replace(/\s+/g, " ").trim();
  return clean.length > limit ? `${clean.slice(0, limit - 1)}…` : clean;
}

/** A longer text, made safe to print line by line. Tabs become blanks. */
export function printableLines(text: string): string {
  return text
    .split(/\r\n|\n|\r/)
    .map((line) => withoutControls(line).trimEnd())
    .join("\n");
}

function withoutControls(text: string): string {
  return text.replace(ESCAPE_SEQUENCE, "").replace(UNPRINTABLE, " ");
}

/** "1.2 GB" */
export function sizeText(bytes: number): string {
  const units = ["bytes", "kB", "MB", "GB", "TB"];
  const power = Math.min(Math.floor(Math.log10(Math.max(bytes, 1)) / 3), units.length - 1);
  return `${(bytes / 1000 ** power).toFixed(power === 0 ? 0 : 1)} ${units[power]}`;
}

/** A machine may repeat what it was told, and its last words are for everybody to read. */
export function hidden(text: string, secrets: readonly string[]): string {
  const parts = secrets.flatMap((secret) => secret.split("\n")).filter((part) => part.trim().length >= 4);
  return parts
    .toSorted((one, other) => other.length - one.length)
    .reduce((rest, part) => rest.replaceAll(part, "[secret]"), text);
}
