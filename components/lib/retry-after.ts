/**
 * Seconds that an HTTP answer asks to wait in its Retry-After header (RFC 9110, 10.2.3: seconds, or a date); undefined =
 * it does not, or not in these forms, or the date is over.
 *
 * @param now milliseconds since 1970
 */
export function retryAfterSeconds(header: string | undefined, now: number): number | undefined {
  const text = header?.trim() ?? "";
  if (/^\d+(\.\d+)?$/.test(text)) return Number(text);
  // A date names its day: Date.parse makes one of many a word.
  const at = /^[A-Za-z]{3,9},? /.test(text) ? Date.parse(text) : Number.NaN;
  return at > now ? (at - now) / 1000 : undefined;
}
