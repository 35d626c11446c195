import { retryAfterSeconds } from "../../lib/clock.ts";
import { jsonIn, printable } from "../../lib/text.ts";
import { resetAt } from "../limits/reset.ts";
import { type VastError, type VastErrorFacts, type VastErrorKind, vastError } from "./errors.ts";

/** One call of the API, as far as errors, gates and retries need to know it. */
export interface Call {
  readonly method: "GET" | "POST" | "PUT" | "DELETE";
  /** With ids filled in: `/api/v0/instances/7/`. */
  readonly path: string;
  /** Without: `/instances/{id}/`. Vast counts calls by method and this. */
  readonly template: string;
  /** May be sent again when it is unclear whether it was carried out. Not decided by the verb: Vast rents by PUT. */
  readonly idempotent: boolean;
  /** Does it cost money? Then an unclear answer is `ambiguous`. */
  readonly rents?: boolean;
}

export interface ApiResponse {
  readonly status: number;
  readonly text: string;
  /** By their names in small letters; those of `HEADERS` are enough. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** The headers that are looked at. */
export const HEADERS = ["retry-after", "x-ratelimit-reset", "date"] as const;

interface Reading {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** When it came, milliseconds since 1970. */
  readonly at: number;
  /** undefined = not JSON. */
  readonly body: unknown;
  readonly code: string;
  /** All text of the answer, to search in. */
  readonly said: string;
}

/** The key a call was made with: errors name its source and never hold it, even when Vast repeats it. */
export interface UsedKey {
  readonly source: string;
  readonly value: string;
}

/** The body of a good answer. Throws the VastError that a bad one means. @param at when it came, milliseconds since 1970 */
export function bodyOf(call: Call, answer: ApiResponse, key: UsedKey, at: number = Date.now()): unknown {
  const reading = readingOf(answer, at);
  const kind = kindOf(call, reading);
  if (kind === undefined) return reading.body;
  throw answerError(kind, call, reading, key);
}

function readingOf({ status, text, headers = {} }: ApiResponse, at: number): Reading {
  const body = jsonIn(text);
  const fields = isRecord(body) ? body : {};
  const code = typeof fields.error === "string" ? fields.error : "";
  const words = [fields.msg, fields.message, fields.detail, code].find((word) => typeof word === "string" && word);
  const said = typeof words === "string" ? words : body === undefined ? unparsed(text) : "";
  return { status, headers, at, body, code, said };
}

/** Truncated JSON is not shown: it may hold an instance's key. */
function unparsed(text: string): string {
  return /^\s*[{[]/.test(text) ? "a truncated answer" : text;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** undefined = success. A call that may have rented is `ambiguous`, whatever the answer looks like. */
function kindOf(call: Call, reading: Reading): VastErrorKind | undefined {
  const kind = seemingKind(call, reading);
  const isClear = kind !== undefined && (isRefusal(kind, reading) || namesItsRental(kind, reading));
  return call.rents && kind !== undefined && !isClear ? "ambiguous" : kind;
}

/** The order matters: Vast uses one status for many things, and its words are more exact. */
function seemingKind(call: Call, reading: Reading): VastErrorKind | undefined {
  const { status, code } = reading;
  if (code === "search_quota_exceeded" && !call.rents) return "search_quota";
  if (status === 429 || code === "rate_limit_exceeded") return "rate_limited";
  // A refused key was seen with 404 as well as 401, so this comes before everything a 404 may mean.
  if (status === 401 || code === "auth_error" || isExpiredSession(reading)) return "auth";
  if (isGood(reading)) return undefined;
  if (isRedirect(status)) return "config";
  // Checked before the words: a gateway's page may say "not available" too, although the rental went through.
  if (isUnclear(reading)) return "server";
  return kindOfWords(call, reading) ?? kindOfStatus(status);
}

/** Statuses with which Vast itself refuses a rental; any other comes from a server in between. */
const REFUSING = [200, 400, 401, 402, 403, 404, 409, 410, 429];
/** Vast's error codes for a value that it does not accept. */
const INVALID = /^(invalid_|no_ssh_key)/;
const REFUSALS: VastErrorKind[] = ["rate_limited", "auth", "offer_gone", "no_credit", "spend_limit", "forbidden"];

/**
 * Is nothing rented for certain? Only when Vast refuses in its own words and says why. After anything else (a redirect,
 * a page, a proxy's own refusal such as 407, 413, 499 or 520, an unknown word, success without an id) the rental may
 * have gone through.
 */
function isRefusal(kind: VastErrorKind, { status, body, said, code }: Reading): boolean {
  if (!REFUSING.includes(status) || said === "") return false;
  if (!isRecord(body)) return kind === "rate_limited" && TOO_FREQUENT.test(said);
  // Even an id that cannot be read means that something was rented.
  if ((body.new_contract ?? null) !== null) return false;
  return REFUSALS.includes(kind) || (kind === "invalid" && INVALID.test(code));
}

/** A refusal that names the instance it rented all the same: nothing has to be looked for. */
function namesItsRental(kind: VastErrorKind, { status, body }: Reading): boolean {
  const isVasts = REFUSING.includes(status) && kind !== "server" && kind !== "config";
  return isVasts && isRecord(body) && isId(body.new_contract);
}

function isExpiredSession({ status, said }: Reading): boolean {
  return status === 404 && /session (has )?expired|invalid user key/i.test(said);
}

function isGood({ status, body }: Reading): boolean {
  return status >= 200 && status < 300 && body !== undefined && !(isRecord(body) && body.success === false);
}

function isRedirect(status: number): boolean {
  return status >= 300 && status < 400;
}

const OFFER_TAKEN = /no_such_ask|no longer available|is not available|already rented/i;
const TOO_FREQUENT = /requests too frequent/i;
const NO_CREDIT = /insufficient[_ ]credit|lacks credit/i;

function kindOfWords(call: Call, { status, code, said }: Reading): VastErrorKind | undefined {
  const words = `${code} ${said}`;
  if (call.rents && OFFER_TAKEN.test(words)) return "offer_gone";
  if (NO_CREDIT.test(words) || code === "missing_billing" || status === 402) return "no_credit";
  if (/spend_rate_limit/i.test(words)) return "spend_limit";
  if (/team_ssh_keys_not_supported|not_authorized|two[- ]factor|\b2fa\b/i.test(words)) return "forbidden";
  if (call.template.includes("/instances/") && isNoSuchInstance(status, words)) return "no_such_instance";
  return undefined;
}

function isNoSuchInstance(status: number, words: string): boolean {
  return /no_such_instance/i.test(words) || (status === 404 && /not_found|no such instance/i.test(words));
}

/** Nobody can tell what happened: a gateway's page, an empty or cut answer, an internal error. */
function isUnclear({ status, code, body }: Reading): boolean {
  return status >= 500 || status === 408 || status < 200 || code === "server_error" || body === undefined;
}

function kindOfStatus(status: number): VastErrorKind {
  if (status < 300) return "refused";
  return status === 403 ? "forbidden" : "invalid";
}

function answerError(kind: VastErrorKind, call: Call, reading: Reading, key: UsedKey): VastError {
  const said = printable(withoutTags(reading.said.replaceAll(key.value, "[key]"))) || "nothing";
  const code = reading.code !== "" && reading.code !== reading.said ? ` ${reading.code}` : "";
  const remedy = nextStep(kind, key.source, reading);
  const words = remedy === undefined ? said : said.replace(/\.$/, "");
  const found = `${call.method} ${call.path}: Vast answers ${reading.status}${code}: ${words}`;
  return vastError(kind, found, { ...factsOf(kind, reading), ...(remedy === undefined ? {} : { remedy }) });
}

function withoutTags(text: string): string {
  return text.replace(/<(style|script|title)\b[\s\S]*?<\/\1>/gi, " ").replace(/<[^>]*>/g, " ");
}

function factsOf(kind: VastErrorKind, reading: Reading): VastErrorFacts {
  const { body, code, headers, at } = reading;
  const contract = isRecord(body) ? body.new_contract : undefined;
  const jobId = isRecord(body) ? body.scheduled_job_id : undefined;
  const threshold = kind === "rate_limited" ? thresholdIn(reading) : undefined;
  return {
    ...(kind === "search_quota" ? { resetsAt: resetAt(headers["x-ratelimit-reset"], at) } : {}),
    ...(isId(contract) ? { newContract: contract } : {}),
    ...(isId(jobId) ? { jobId } : {}),
    ...(threshold === undefined ? {} : { thresholdSeconds: threshold }),
    ...(code === "" ? {} : { code }),
  };
}

function isId(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) > 0;
}

/** The longest wait that is believed of a 429. */
const MOST_SECONDS = 86_400;

/**
 * How long a 429 asks to wait, in seconds, the longest of what it says: in words (`threshold=4.5`), as a number
 * (`retry_after`), in the header Retry-After.
 */
function thresholdIn({ body, said, headers, at }: Reading): number | undefined {
  const inBody = isRecord(body) && typeof body.retry_after === "number" ? body.retry_after : 0;
  const inWords = Number(/threshold\s*=\s*(\d+(\.\d+)?)/.exec(said)?.[1] ?? 0);
  const asked = [inBody, inWords, retryAfterSeconds(headers["retry-after"], at) ?? 0];
  const longest = Math.max(...asked.filter((seconds) => seconds <= MOST_SECONDS), 0);
  return longest > 0 ? longest : undefined;
}

const REDIRECTED = "redirects are not followed: write the final address in apiUrl";

/** undefined = there is nothing for the user to do. */
function nextStep(kind: VastErrorKind, keySource: string, reading: Reading): string | undefined {
  const { status, code, headers, at } = reading;
  switch (kind) {
    case "rate_limited": {
      const seconds = Math.ceil(thresholdIn(reading) ?? 0);
      return seconds > 0 ? `it asks to wait ${seconds} s` : undefined;
    }
    case "search_quota":
      return whatStillWorks(resetAt(headers["x-ratelimit-reset"], at));
    case "auth":
      return `the key of ${keySource} is refused: put a valid one there`;
    case "forbidden":
      return `the key of ${keySource} may not do this: it needs instance_read, instance_write, user_read and misc`;
    case "no_credit":
      return "add credit to the Vast account";
    case "spend_limit":
      return "the account may not spend more for now: try later or ask Vast's support";
    case "config":
      return REDIRECTED;
    case "ambiguous":
      if (isRedirect(status)) return REDIRECTED;
      return code === "server_error"
        ? "it was seen to answer so for an image that does not exist: check image"
        : undefined;
    default:
      return undefined;
  }
}

/** A search that is not sent, because Vast has said that it takes no more. @param resetsAt milliseconds since 1970 */
export function heldSearch({ method, path }: Call, resetsAt: number): VastError {
  const found = `${method} ${path}: not sent, as Vast has refused searches`;
  return vastError("search_quota", found, { resetsAt, remedy: whatStillWorks(resetsAt) });
}

function whatStillWorks(resetsAt: number): string {
  const time = new Date(resetsAt).toISOString().slice(0, 16).replace("T", " ");
  return `offers are searched again from ${time} UTC on; destroy, sync, logs, refresh and an up with nothing to rent work meanwhile`;
}
