/** The terms on which this process rented an instance, or started it again. */
export interface Terms {
  readonly maxPricePerHour: number;
  readonly bidMarkup: number;
  /** What the markup came on top of, $/h without disk; null = not known. */
  readonly floorPerHour: number | null;
}

/** One process serves all resources of a run: what the instance knows spares the bid a call. */
const known = new Map<string, Terms>();

export function noteTerms(instanceId: string, terms: Terms): void {
  known.set(instanceId, terms);
}

export function termsOf(instanceId: string): Terms | undefined {
  return known.get(instanceId);
}
