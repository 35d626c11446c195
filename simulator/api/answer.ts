/** An answer. `cut` = none: the connection is reset. */
export type Answer = Said | { readonly cut: true };

interface Said {
  readonly status: number;
  readonly type: string;
  readonly body: string;
  /** In addition to those of every answer. */
  readonly headers?: Readonly<Record<string, string>>;
}

export const CUT: Answer = { cut: true };

/** The official client looks for exactly this type. */
export function json(status: number, value: unknown): Answer {
  return { status, type: "application/json", body: JSON.stringify(value) };
}

export function text(status: number, body: string): Answer {
  return { status, type: "text/plain", body };
}

/** A page of the gateway in front of Vast. */
export function gatewayPage(status: number): Answer {
  const title = `${status} ${GATEWAY_TITLES[status] ?? "Error"}`;
  const body = `<html>\n<head><title>${title}</title></head>\n<body>\n<center><h1>${title}</h1></center>\n</body>\n</html>\n`;
  return { status, type: "text/html", body };
}

const GATEWAY_TITLES: Readonly<Record<number, string>> = {
  500: "Internal Server Error",
  502: "Bad Gateway",
  503: "Service Temporarily Unavailable",
  504: "Gateway Time-out",
};

/** Vast's usual error body. */
export function refusal(status: number, error: string, msg: string, more: Record<string, unknown> = {}): Answer {
  return json(status, { success: false, error, msg, ...more });
}

export function noSuchInstance(id: number | string): Answer {
  return refusal(404, "no_such_instance", `error 404/3010: no_such_instance Instance ${id} not found.`);
}

export function authError(status: number): Answer {
  return refusal(status, "auth_error", "Invalid user key");
}

/** The three bodies in which a 429 is known to come. */
export const TOO_FREQUENT = {
  detail: (threshold: number) => json(429, { detail: `API requests too frequent endpoint threshold=${threshold}` }),
  envelope: (threshold: number) =>
    refusal(429, "rate_limit_exceeded", `API requests too frequent endpoint threshold=${threshold}`),
  text: (threshold: number) => text(429, `API requests too frequent: endpoint threshold=${threshold}`),
} as const;

export type TooFrequentStyle = keyof typeof TOO_FREQUENT;

/** The searches of the day are used up. @param reset of the header, as it is sent; undefined = no header */
export function searchQuotaExceeded(reset: string | undefined): Answer {
  const answer = refusal(429, "search_quota_exceeded", "You have used up your searches for today");
  return reset === undefined ? answer : { ...answer, headers: { "X-RateLimit-Reset": reset } };
}

/** Which body an endpoint uses. */
export function tooFrequent(endpoint: string, threshold: number): Answer {
  if (endpoint.startsWith("DELETE /instances/")) return TOO_FREQUENT.envelope(threshold);
  if (endpoint.includes("/bundles/") || endpoint.includes("/ssh/")) return TOO_FREQUENT.text(threshold);
  return TOO_FREQUENT.detail(threshold);
}
