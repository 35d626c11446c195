/** One call of a case: the n-th of its endpoint, counted over all processes of the case. */
export interface Place {
  /** As the client names it: "PUT /asks/{id}/". */
  readonly endpoint: string;
  /** From 1. */
  readonly nth: number;
}

/** Something that goes wrong at one call. */
export interface FaultAt extends Place {
  /** Name of an ending. */
  readonly ending: string;
}

export function placeName({ endpoint, nth }: Place): string {
  return `${endpoint} #${nth}`;
}

export function samePlace(one: Place, other: Place): boolean {
  return one.endpoint === other.endpoint && one.nth === other.nth;
}
