import axios, { isAxiosError } from "axios";
import { isLoopback } from "../lib/loopback.ts";
import { connectionRemedy } from "../lib/problem.ts";

/** A registry answers quickly or not at all. */
export const TIMEOUT_MS = 20_000;
/** What a manifest may measure: registries refuse larger ones. */
const MAX_BYTES = 4 * 1024 * 1024;

export interface RegistryResponse {
  readonly status: number;
  readonly header: (name: string) => string | undefined;
  readonly body: Buffer;
}

export interface RegistryRequest {
  readonly url: URL;
  readonly method: "GET" | "HEAD";
  readonly headers: Readonly<Record<string, string>>;
  /** How long to wait for the answer, milliseconds. */
  readonly timeoutMs: number;
}

/**
 * Sends a request to a registry and answers with its response, whatever the status. Rejects with a short reason when
 * there is none.
 */
export type Transport = (ask: RegistryRequest) => Promise<RegistryResponse>;

function reasonOf(code = "no answer"): string {
  const remedy = connectionRemedy(code);
  return remedy === undefined ? code : `${code}; ${remedy}`;
}

/** The transport over HTTP: no redirects, no parsing, bounded in time and size. */
export const send: Transport = async ({ url, method, headers, timeoutMs }) => {
  try {
    const response = await axios.request<ArrayBuffer>({
      url: url.href,
      method,
      headers: { ...headers, "User-Agent": "vast-training" },
      responseType: "arraybuffer",
      transformResponse: (data: unknown) => data,
      validateStatus: () => true,
      maxRedirects: 0,
      maxContentLength: MAX_BYTES,
      signal: AbortSignal.timeout(timeoutMs),
      ...(isLoopback(url.hostname) ? { proxy: false as const } : {}),
    });
    const header = (name: string) => {
      const value = response.headers[name];
      return typeof value === "string" ? value : undefined;
    };
    return { status: response.status, header, body: Buffer.from(response.data) };
  } catch (error) {
    if (!isAxiosError(error)) throw error;
    throw new Error(
      error.code === "ERR_CANCELED" ? `no answer within ${Math.ceil(timeoutMs / 1000)} s` : reasonOf(error.code),
    );
  }
};
