const DAY_MS = 86_400_000;

/** When a new day of counted searches begins: the next 0:00 UTC. Milliseconds since 1970. */
export function nextMidnight(now: number): number {
  return (Math.floor(now / DAY_MS) + 1) * DAY_MS;
}

/**
 * When searches are allowed again, milliseconds since 1970. Vast's client 1.9.1 reads X-RateLimit-Reset as seconds since
 * 1970 and says that the quota resets at 0:00 UTC; milliseconds, an HTTP date and ISO 8601 with a zone are taken as well. What
 * is none of them, is over, or is more than a day ahead, counts as the next 0:00 UTC.
 *
 * @param header X-RateLimit-Reset as it came
 * @param now milliseconds since 1970
 */
export function resetAt(header: string | undefined, now: number): number {
  const at = momentIn(header?.trim() ?? "");
  return at > now && at <= now + DAY_MS ? at : nextMidnight(now);
}

/** Above, a number of milliseconds: in seconds that would be the year 5138. */
const MOST_SECONDS = 1e11;
/** Without a zone a date would be read as local time. */
const DATED = /^[A-Za-z]{3,9}, .* (GMT|UTC)$|^\d{4}-\d\d-\d\dT[\d:.]+(Z|[+-]\d\d:?\d\d)$/;

function momentIn(text: string): number {
  if (/^\d+(\.\d+)?$/.test(text)) return Number(text) < MOST_SECONDS ? Number(text) * 1000 : Number(text);
  return DATED.test(text) ? Date.parse(text) : Number.NaN;
}
