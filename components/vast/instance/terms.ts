/** The terms on which this process rented an instance, or started it again. */
export interface RentedTerms {
  readonly maxPricePerHour: number;
  readonly bidMarkup: number;
  /** The price to which the markup was added, $/h without disk; null = not known. */
  readonly floorPerHour: number | null;
}

/** Kept in memory: one process serves all resources of a run, and the bid need not ask Vast again. */
const known = new Map<string, RentedTerms>();

export function noteTerms(instanceId: string, terms: RentedTerms): void {
  known.set(instanceId, terms);
}

export function termsOf(instanceId: string): RentedTerms | undefined {
  return known.get(instanceId);
}
