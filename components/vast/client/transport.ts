import http from "node:http";
import https from "node:https";
import axios, { type AxiosError, isAxiosError } from "axios";
import { isLoopback } from "../../lib/loopback.ts";
import { connectionRemedy } from "../../lib/problem.ts";
import { type ApiResponse, type Call, HEADERS } from "./answer.ts";
import { type VastError, vastError } from "./errors.ts";

const TIMEOUT_MS = 30_000;
/** Renting was seen to take half a minute, and giving up too early is what costs most. */
const RENT_TIMEOUT_MS = 90_000;
const MAX_ANSWER_BYTES = 64 * 1024 * 1024;

/** Connections for renting only: a shared one that Vast is just closing would make a rental ambiguous. */
const freshAgents = { httpAgent: new http.Agent(), httpsAgent: new https.Agent() };

export interface Request {
  readonly call: Call;
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: unknown;
}

/** Takes a request to Vast and brings the answer, whatever its status. Throws VastError when there is none. */
export type Transport = (url: string, key: string, request: Request) => Promise<ApiResponse>;

/** How long an answer may take, milliseconds. */
export function timeoutOf(call: Call): number {
  return call.rents ? RENT_TIMEOUT_MS : TIMEOUT_MS;
}

/** The transport over HTTP. */
export const send: Transport = (url, key, request) => sendUntil(undefined, url, key, request);

/** The same; requests end when the signal is aborted. For callers that only read. */
export function senderUntil(signal: AbortSignal): Transport {
  return (url, key, request) => sendUntil(signal, url, key, request);
}

async function sendUntil(
  signal: AbortSignal | undefined,
  url: string,
  key: string,
  { call, query, body }: Request,
): Promise<ApiResponse> {
  const timeout = timeoutOf(call);
  try {
    const response = await axios.request<string>({
      ...plain(url, timeout, signal),
      ...(call.rents ? freshAgents : {}),
      method: call.method,
      url: url + call.path,
      ...(query === undefined ? {} : { params: new URLSearchParams(query) }),
      ...(body === undefined ? {} : { data: JSON.stringify(body) }),
      headers: {
        Authorization: `Bearer ${key}`,
        Accept: "application/json",
        ...(body === undefined ? {} : { "Content-Type": "application/json" }),
        "User-Agent": "vast-training",
      },
    });
    const heard = HEADERS.map((name) => [name, response.headers[name]]).filter(
      ([, value]) => typeof value === "string",
    );
    return { status: response.status, text: response.data, headers: Object.fromEntries(heard) };
  } catch (error) {
    if (!isAxiosError(error)) throw error;
    throw noAnswer(call, url, error.code ?? "", hadConnection(error));
  }
}

/** Fetches a file that Vast has put somewhere else, without the key. Anything but 200 is undefined: not there yet. */
export async function fetchText(url: string, call: Call): Promise<string | undefined> {
  try {
    const response = await axios.request<string>({ ...plain(url, TIMEOUT_MS), method: "GET", url });
    return response.status === 200 ? response.data : undefined;
  } catch (error) {
    if (!isAxiosError(error)) throw error;
    throw noAnswer(call, new URL(url).origin, error.code ?? "");
  }
}

/** No redirects, no parsing, every status is an answer, and the whole call is bounded in time. */
function plain(url: string, timeout: number, signal?: AbortSignal) {
  return {
    responseType: "text" as const,
    transformResponse: (data: unknown) => (typeof data === "string" ? data : ""),
    validateStatus: () => true,
    maxRedirects: 0,
    maxContentLength: MAX_ANSWER_BYTES,
    signal: AbortSignal.any([AbortSignal.timeout(timeout), ...(signal === undefined ? [] : [signal])]),
    ...(isLoopback(new URL(url).hostname) ? { proxy: false as const } : {}),
  };
}

/** Failures before a connection stands: the request cannot have been carried out. */
const NEVER_SENT =
  /^(ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|CERT_.*|.*_CERT.*|UNABLE_TO_VERIFY.*|ERR_TLS_.*)$/;

/** Linux reports an unreachable host by the same code on a connection that was open. */
function hadConnection({ cause }: AxiosError): boolean {
  return ["read", "write"].includes((cause as NodeJS.ErrnoException | undefined)?.syscall ?? "");
}

/**
 * What a broken connection means for a call.
 *
 * @param code as Node names it; ERR_CANCELED = the time was over
 * @param stood the connection was there before, so the request may have been sent
 */
export function noAnswer(call: Call, host: string, code: string, stood = false): VastError {
  const what =
    code === "ERR_CANCELED" ? `no answer within ${timeoutOf(call) / 1000} s` : `no answer (${code || "unknown"})`;
  const where = `${call.method} ${call.path}: ${what} from ${host}`;
  if (!call.rents || (!stood && NEVER_SENT.test(code)))
    return vastError("unreachable", `${where}; ${connectionRemedy(code) ?? "check the network and try again"}`);
  return vastError("ambiguous", where);
}
