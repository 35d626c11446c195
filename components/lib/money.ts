/** "$2.415/h" */
export function perHour(dollars: number): string {
  return `$${dollars.toFixed(3)}/h`;
}

// A ten-thousandth of a cent is no money: it only absorbs the noise of binary fractions.
const NOISE = 1e-6;

/** Down to four decimals. */
export function roundDown(dollars: number): number {
  return Math.floor(dollars * 1e4 + NOISE) / 1e4;
}

/** Up to four decimals. */
export function roundUp(dollars: number): number {
  return Math.ceil(dollars * 1e4 - NOISE) / 1e4;
}
