/** Hosts reach a part of the speed that Vast once measured, and unpack what they have fetched. */
const SHARE = 3;
/** Before and after the pull, minutes. */
const BESIDE_MINUTES = 10;

/** Minutes to fetch an image at the speed that Vast measured, one decimal; null = size or speed is not known. */
export function pullMinutesOf(bytes: number | null, downloadMbps: number | null): number | null {
  if (bytes === null || downloadMbps === null || downloadMbps <= 0) return null;
  return Math.round((bytes * 8) / (downloadMbps * 1e6) / 6) / 10;
}

/** How long a machine may take that has this to pull, minutes: what is configured, or longer. */
export function patienceOf(configured: number, pullMinutes: number | null): number {
  return pullMinutes === null ? configured : Math.max(configured, BESIDE_MINUTES + SHARE * pullMinutes);
}
