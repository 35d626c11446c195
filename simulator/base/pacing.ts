/**
 * Vast's published limits: least seconds between arrivals of two calls of one endpoint by one key. The way there and
 * back (`latency`) is why a client passes that waits for each answer before it asks again.
 */
const THRESHOLDS: Readonly<Record<string, number>> = {
  "PUT /asks/{id}/": 4.5,
  "POST /asks/bulk/": 4.5,
  "GET /instances/{id}/": 2,
  "GET /api/v1/instances/": 1,
  "PUT /instances/{id}/": 1,
  "PUT /instances/": 1,
  "DELETE /instances/{id}/": 3,
  "DELETE /instances/": 3,
  "PUT /instances/reboot/{id}/": 1,
  "PUT /instances/recycle/{id}/": 1,
  "PUT /instances/bid_price/{id}/": 5.5,
  "PUT /instances/command/{id}/": 1.5,
  "POST /ssh/": 1,
  "PUT /ssh/{id}/": 1,
  "DELETE /instances/{id}/ssh/{key}/": 2,
  "GET /charges/": 1,
  "GET /api/v1/invoices/": 3,
};

/** Endpoints that allow a burst: so many calls within so many seconds. Seen with the search, not documented. */
const BURSTS: Readonly<Record<string, { readonly calls: number; readonly seconds: number }>> = {
  "POST /bundles/": { calls: 5, seconds: 2 },
  "GET /bundles/": { calls: 5, seconds: 2 },
  "PUT /search/asks/": { calls: 5, seconds: 2 },
};

/** Counts the calls of each caller. A call that is turned away does not count. */
export class Gates {
  readonly #calls = new Map<string, number[]>();

  /**
   * @param caller who calls: the key, or the address without one
   * @param now milliseconds
   * @returns the threshold that the call breaks, in seconds; undefined = it may pass, and has been counted
   */
  broken(caller: string, endpoint: string, now: number): number | undefined {
    const { calls, seconds } = limitOf(endpoint);
    if (seconds === 0) return undefined;
    const name = `${caller} ${endpoint}`;
    const recent = (this.#calls.get(name) ?? []).filter((at) => now - at < seconds * 1000);
    this.#calls.set(name, recent);
    if (recent.length >= calls) return seconds;
    recent.push(now);
    return undefined;
  }
}

function limitOf(endpoint: string): { calls: number; seconds: number } {
  return BURSTS[endpoint] ?? { calls: 1, seconds: THRESHOLDS[endpoint] ?? 0 };
}
