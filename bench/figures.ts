/** Of an even number the upper of the two in the middle; NaN of none. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((one, other) => one - other);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

/** What figures count, and how one is written. */
const UNITS = {
  s: (value: number) => `${value.toFixed(value < 10 ? 2 : 1)} s`,
  MB: (bytes: number) => `${Math.round(bytes / 1e6)} MB`,
  "MB/s": (bytes: number) => `${Math.round(bytes / 1e6)} MB/s`,
  $: (dollars: number) => `$${dollars.toFixed(4)}`,
  calls: (count: number) => String(count),
} as const;

export type Unit = keyof typeof UNITS;

/** The median, and the least and the most where they differ as written. */
export function written(values: readonly number[], unit: Unit): string {
  if (values.length === 0) return "";
  const text = UNITS[unit];
  const [least, most] = [text(Math.min(...values)), text(Math.max(...values))];
  return least === most ? text(median(values)) : `${text(median(values))} (${least} to ${most})`;
}

/** How many times the other's median ours is; "" where there is no other. */
export function ratio(ours: readonly number[], theirs: readonly number[]): string {
  const times = median(ours) / median(theirs);
  return Number.isFinite(times) ? `${times.toFixed(2)} x` : "";
}
