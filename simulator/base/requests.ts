/** One request to Vast's API. The key it came with is not kept. */
export interface LoggedRequest {
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly method: string;
  /** With the query. */
  readonly path: string;
  /** The endpoint as the limits name it: "PUT /asks/{id}/". */
  readonly endpoint: string;
  /** Sent with a key that opens something. */
  readonly authorized: boolean;
  /** Parsed where it is JSON. */
  readonly body: unknown;
  /** 0 = the connection was cut. */
  readonly status: number;
  readonly ms: number;
  /** The scripted fault that it met. */
  readonly fault?: string;
}

export function requestLine({ method, path, status, ms, fault }: LoggedRequest): string {
  const outcome = status === 0 ? "cut" : String(status);
  return `${outcome.padEnd(4)} ${method.padEnd(6)} ${path}  ${Math.round(ms)} ms${fault ? `  fault: ${fault}` : ""}`;
}
