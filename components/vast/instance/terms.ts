/** The terms on which this process rented an instance, or started it again. */
export interface RentedTerms {
  readonly maxPricePerHour: number;
  readonly bidMarkup: number;
  /** What the markup came on top of, $/h without disk; null = not known. */
  readonly floorPerHour: number | null;
}

const known = new Map<string, RentedTerms>();

/** One process serves all resources of a run: what the instance knows spares the bid a call. */
export function noteTerms(instanceId: string, terms: RentedTerms): void {
  known.set(instanceId, terms);
}

export function termsOf(instanceId: string): RentedTerms | undefined {
  return known.get(instanceId);
}
