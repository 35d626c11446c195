/** "$2.415/h" */
export function perHour(dollars: number): string {
  return `$${dollars.toFixed(3)}/h`;
}

// A ten-thousandth of a cent: absorbs the noise of binary fractions.
const NOISE = 1e-6;

/** Rounds down to four decimals. */
export function roundDown(dollars: number): number {
  return Math.floor(dollars * 1e4 + NOISE) / 1e4;
}

/** Rounds up to four decimals. */
export function roundUp(dollars: number): number {
  return Math.ceil(dollars * 1e4 - NOISE) / 1e4;
}
