/** The terms on which this process rented an instance, or started it again. */
export interface Terms {
  readonly maxPricePerHour: number;
  readonly bidMarkup: number;
  /** Smallest bid at that time, $/h without disk; null = Vast does not say. */
  readonly floorPerHour: number | null;
}

const known = new Map<string, Terms>();

/** One process serves all resources of a run: what the instance knows spares the bid a call. */
export function noteTerms(instanceId: string, terms: Terms): void {
  known.set(instanceId, terms);
}

export function termsOf(instanceId: string): Terms | undefined {
  return known.get(instanceId);
}
