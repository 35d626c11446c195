/**
 * Text from Vast or from a machine, made safe to print: control characters (escape sequences, newlines, bidi marks)
 * become spaces, runs of blanks become one, and what is longer than `limit` characters is cut.
 */
export function printable(text: string, limit = 300): string {
  const clean = text
    .replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Co}\p{Cs}]+/gu, " ")
    .replace(/\s+/g, " ")
    .trim();
  return clean.length > limit ? `${clean.slice(0, limit - 1)}…` : clean;
}
