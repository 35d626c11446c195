import { createHash } from "node:crypto";
import type { z } from "zod";
import { isLoopback } from "../../lib/loopback.ts";
import { printableLines } from "../../lib/text.ts";
import { type Refusals, SearchQuota } from "../limits/search-quota.ts";
import { type ApiResponse, bodyOf, type Call, heldSearch } from "./answer.ts";
import { type Api, keyFingerprint } from "./api.ts";
import { isVastError, vastError } from "./errors.ts";
import { type Gates, limitOf, processGates, realSleep, retryDelay, type Sleep } from "./pacing.ts";
import {
  chargesQuery,
  checkOrder,
  endpoint,
  type JobOrder,
  LIST,
  pageQuery,
  type RentOrder,
  read,
  rentRequestBody,
  write,
} from "./requests.ts";
import { fetchText, type Request, send, type Transport } from "./transport.ts";
import type { Account, AccountKey, Charge, Instance, Offer, ScheduledJob } from "./wire.ts";
import * as wire from "./wire.ts";

/** Body of an offer search: filters `{field: {op: value}}` and directives (type, order, limit, allocated_storage). */
export type OfferQuery = Readonly<Record<string, unknown>>;

/** What a client needs of the world; tests pass their own. */
export interface ClientOptions {
  readonly gates?: Gates;
  readonly sleep?: Sleep;
  readonly random?: () => number;
  /** Default: HTTP. */
  readonly transport?: Transport;
  /** Hears of each request before it leaves. */
  readonly onRequest?: (call: Call) => void;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
  /** Holds searches back. Default: within this process alone. */
  readonly searches?: SearchQuota;
}

/** What is checked right before a call is sent, each time it is sent. */
export interface Leave {
  /** Ends the waits before the call, with `aborted`. A call that was sent is still answered. */
  readonly signal?: AbortSignal;
  /** false = the call is not sent. */
  readonly mayLeave?: () => Promise<boolean>;
  readonly onLeave?: () => void;
}

/** Vast's API, one method a call. Every method throws VastError only. */
export class VastClient {
  readonly #api: Api;
  readonly #gates: Gates;
  readonly #sleep: Sleep;
  readonly #random: () => number;
  readonly #transport: Transport;
  readonly #onRequest: (call: Call) => void;
  readonly #now: () => number;
  readonly #searches: SearchQuota;
  /** How far Vast's clock is ahead of ours, milliseconds. */
  #ahead: number | undefined;

  constructor(api: Api, options: ClientOptions = {}) {
    this.#api = api;
    this.#gates = options.gates ?? processGates;
    this.#sleep = options.sleep ?? realSleep;
    this.#random = options.random ?? Math.random;
    this.#transport = options.transport ?? send;
    this.#onRequest = options.onRequest ?? (() => {});
    this.#now = options.now ?? Date.now;
    this.#searches = options.searches ?? new SearchQuota(undefined, { now: this.#now });
  }

  /** Where it asks. */
  get apiUrl(): string {
    return this.#api.url;
  }

  /** The time by Vast's clock, to a second, milliseconds since 1970; undefined = no answer has told it yet. */
  get vastNow(): number | undefined {
    return this.#ahead === undefined ? undefined : this.#now() + this.#ahead;
  }

  /** Fingerprint of the key: `keyFingerprint` of api.ts. Throws when there is no key. */
  keyFingerprint(nonce: string): string {
    return keyFingerprint(this.#api, nonce);
  }

  /** Who the key belongs to, and the credit. */
  async account(): Promise<Account> {
    const call = read("/users/current/");
    return wire.accountFromWire(await this.#ask({ call })) ?? unreadable(call);
  }

  /** What Vast has charged for instances since that day, all pages of it. @param since milliseconds since 1970 */
  async charges(since: number): Promise<Charge[]> {
    const call = read("/charges/");
    const all: Charge[] = [];
    for (let token: string | undefined; ; ) {
      const page = shaped(wire.chargesPage, await this.#ask({ call, query: chargesQuery(since, token) }), call);
      all.push(...page.results.map((row) => wire.chargeFromWire(row) ?? unreadable(call)));
      const next = page.next_token ?? undefined;
      if (next === undefined) return all;
      if (next === token) throw vastError("incomplete", `${call.method} ${call.path}: the same page came twice`);
      token = next;
    }
  }

  /** Every GPU name the market knows, in Vast's spelling. */
  async gpuNames(): Promise<string[]> {
    const call = read("/gpu_names/unique/");
    return shaped(wire.gpuNamesBody, await this.#ask({ call }), call).gpu_names;
  }

  /**
   * One page of offers (Vast answers with 64 at most). Rows that are no offers are left out. `search_quota` = Vast takes no
   * more searches until `resetsAt`; then it is not even asked.
   */
  async searchOffers(query: OfferQuery, leave: Pick<Leave, "signal"> = {}): Promise<Offer[]> {
    const who = `${this.#api.url}\n${this.keyFingerprint(this.#searches.nonce)}`;
    const ask = (onLeave: () => void) => this.#ask({ call: SEARCH, body: query }, { ...leave, onLeave });
    const rows = shaped(wire.offersBody, await this.#searches.run(who, REFUSALS, ask), SEARCH).offers;
    return rows.map(wire.offerFromWire).filter((offer) => offer !== undefined);
  }

  /**
   * Rents, and answers with the instance id. Sent once: only what a 429 has refused, or what found no connection, is
   * repeated. `ambiguous` = it may have happened; an error with `newContract` = it did.
   */
  async rent(offerId: number, order: RentOrder, leave: Leave = {}): Promise<number> {
    const call: Call = { ...endpoint("PUT", "/asks/{id}/", offerId), idempotent: false, rents: true };
    checkOrder(call, order);
    const answer = wire.rentBody.safeParse(await this.#ask({ call, body: rentRequestBody(order) }, leave));
    if (answer.success) return answer.data.new_contract;
    throw vastError("ambiguous", `${call.method} ${call.path}: Vast reports success without an instance id`);
  }

  /** One instance; undefined = Vast knows no such instance. Right after a rental that only means "not yet visible". */
  async instance(id: number): Promise<Instance | undefined> {
    const call = read("/instances/{id}/", id);
    const body = await this.#ask({ call }).catch(undefinedWhenGone);
    if (body === undefined) return undefined;
    const row = [shaped(wire.instanceBody, body, call).instances].flat()[0] ?? undefined;
    if (row === undefined) return undefined;
    return row.id === id ? (wire.instanceFromWire(row) ?? unreadable(call)) : unreadable(call);
  }

  /**
   * All instances of the account, or those with exactly this label: read to the last page and counted, or
   * `incomplete`. Labels are compared here, because a filter that Vast misread would look like an empty list.
   */
  async instances(filter: { readonly label?: string } = {}): Promise<Instance[]> {
    const all = (await this.#list()) ?? (await this.#list());
    if (all === undefined)
      throw vastError("incomplete", `${LIST.method} ${LIST.path}: the list kept changing; try again`);
    return filter.label === undefined ? all : all.filter(({ label }) => label === filter.label);
  }

  /** Starts or stops. `refused` with code resources_unavailable = a start that Vast queued. */
  async setState(id: number, state: "running" | "stopped"): Promise<void> {
    await this.#ask({ call: write("/instances/{id}/", id), body: { state } });
  }

  async setLabel(id: number, label: string): Promise<void> {
    await this.#ask({ call: write("/instances/{id}/", id), body: { label } });
  }

  /** $/h for the whole slice. */
  async changeBid(id: number, bidPerHour: number): Promise<void> {
    await this.#ask({ call: write("/instances/bid_price/{id}/", id), body: { client_id: "me", price: bidPerHour } });
  }

  /** Allows a public key on one instance. */
  async attachKey(id: number, publicKey: string): Promise<void> {
    const call: Call = { ...endpoint("POST", "/instances/{id}/ssh/", id), idempotent: true };
    await this.#ask({ call, body: { ssh_key: publicKey } });
  }

  /** The public keys that new instances get. */
  async accountKeys(): Promise<AccountKey[]> {
    const call = read("/ssh/");
    // An account without keys answers 404 here, which is no error.
    const body = await this.#ask({ call }).catch((error) =>
      isVastError(error, "invalid") ? [] : Promise.reject(error),
    );
    if (!Array.isArray(body)) return unreadable(call);
    return body.map(wire.accountKeyFromWire).filter((key) => key !== undefined);
  }

  /** Adds a public key to the account unless it is there; new instances get all of them. */
  async registerKey(publicKey: string): Promise<void> {
    const keys = await this.accountKeys();
    if (keys.some((key) => sameKey(key.publicKey, publicKey))) return;
    await this.#ask({ call: { ...endpoint("POST", "/ssh/"), idempotent: false }, body: { ssh_key: publicKey } });
  }

  /** The last lines of the container's log, or with `daemon` of the host's (pull and create errors). Printable. */
  async logs(id: number, options: { readonly tail?: number; readonly daemon?: boolean } = {}): Promise<string> {
    const call = write("/instances/request_logs/{id}/", id);
    const body = { tail: String(options.tail ?? 1000), ...(options.daemon ? { daemon_logs: "true" } : {}) };
    const { result_url } = shaped(wire.logsBody, await this.#ask({ call, body }), call);
    return printableLines(await this.#uploaded(result_url, call));
  }

  /**
   * Ends an instance; false = Vast knows no such instance. Vast may take seconds after that: poll `instance` until
   * undefined.
   */
  async destroy(id: number): Promise<boolean> {
    const call: Call = { ...endpoint("DELETE", "/instances/{id}/", id), idempotent: true };
    return (await this.#ask({ call, body: {} }).catch(undefinedWhenGone)) !== undefined;
  }

  /** The account's scheduled jobs: calls that Vast makes by itself. */
  async jobs(): Promise<ScheduledJob[]> {
    const call = read(JOBS);
    const rows = shaped(wire.jobList, await this.#ask({ call }), call);
    return rows.map((row) => wire.jobFromWire(row) ?? unreadable(call));
  }

  /** Adds a scheduled job. An error with `jobId` = that job makes the same call already. */
  async addJob(order: JobOrder, leave: Leave = {}): Promise<void> {
    await this.#ask({ call: { ...endpoint("POST", JOBS), idempotent: true }, body: order }, leave);
  }

  async moveJob(id: number, order: JobOrder): Promise<void> {
    await this.#ask({ call: write(JOB, id), body: order });
  }

  /** Removes a scheduled job; false = Vast says that there is none. Ask `jobs` to be sure. */
  async removeJob(id: number): Promise<boolean> {
    const call: Call = { ...endpoint("DELETE", JOB, id), idempotent: true };
    return (await this.#ask({ call }).catch(falseWhenUnknown)) !== false;
  }

  /**
   * All rows of all pages; undefined = the list changed meanwhile: rows and Vast's own count differ, or a page is gone.
   */
  async #list(): Promise<Instance[] | undefined> {
    const rows = new Map<number, Instance>();
    for (let token: string | undefined; ; ) {
      const body = await this.#ask({ call: LIST, query: pageQuery(token) }).catch(undefinedWhenStale);
      if (body === undefined) return undefined;
      const page = shaped(wire.instancePage, body, LIST);
      for (const row of page.instances) {
        const instance = wire.instanceFromWire(row) ?? unreadable(LIST);
        rows.set(instance.id, instance);
      }
      const next = page.next_token ?? undefined;
      if (next === undefined) return rows.size === countOf(page) ? [...rows.values()] : undefined;
      if (next === token) throw vastError("incomplete", `${LIST.method} ${LIST.path}: the same page came twice`);
      token = next;
    }
  }

  /** Vast answers with the address of a file that appears a moment later. */
  async #uploaded(url: string, call: Call): Promise<string> {
    const { protocol, hostname } = new URL(url);
    if (protocol !== "https:" && !isLoopback(hostname)) return unreadable(call);
    for (let attempt = 0; attempt < LOG_ATTEMPTS; attempt++) {
      const text = await fetchText(url, call);
      if (text !== undefined) return text;
      await this.#sleep(LOG_PAUSE_MS);
    }
    throw vastError("server", `${call.method} ${call.path}: Vast announced a log that did not appear; try again`);
  }

  /** The chain of one call: wait for its turn, send, classify; again while that is safe. */
  async #ask(request: Request, leave: Leave = {}): Promise<unknown> {
    const { call } = request;
    const endpoint = `${call.method} ${call.template}`;
    for (let attempt = 1; ; attempt++) {
      try {
        const send = () => this.#once(request, leave);
        return await this.#gates.run(this.#gateName(endpoint), limitOf(endpoint), send, leave.signal);
      } catch (error) {
        // Anything else is a mistake of ours and must surface.
        if (!isVastError(error)) throw error;
        // For a rental `unreachable` means that no connection was made, so it was not sent.
        const isSafe = call.idempotent || (call.rents === true && error.kind === "unreachable");
        const wait = retryDelay(error, isSafe, attempt, this.#random());
        if (wait === undefined) throw error;
        await this.#sleep(wait, leave.signal);
      }
    }
  }

  async #once(request: Request, { signal, mayLeave, onLeave }: Leave): Promise<unknown> {
    const { call } = request;
    if (signal?.aborted || (mayLeave !== undefined && !(await mayLeave())))
      throw vastError("aborted", `${call.method} ${call.path}: called off before it was sent`);
    onLeave?.();
    this.#onRequest(call);
    const key = { source: this.#api.keySource, value: this.#api.key() };
    const answer = await this.#transport(this.#api.url, key.value, request);
    this.#hearTime(answer);
    return bodyOf(call, answer, key, this.#now());
  }

  /** A cache on the way may answer with an old time, so the latest one counts. */
  #hearTime({ headers }: ApiResponse): void {
    const told = Date.parse(headers?.date ?? "") - this.#now();
    if (Number.isFinite(told)) this.#ahead = Math.max(told, this.#ahead ?? told);
  }

  #gateName(endpoint: string): string {
    return createHash("sha256").update(`${this.#api.url}\n${this.#api.key()}\n${endpoint}`).digest("hex");
  }
}

const SEARCH: Call = { ...endpoint("POST", "/bundles/"), idempotent: true };
const REFUSALS: Refusals = {
  resetsAt: (error) => (isVastError(error, "search_quota") ? error.resetsAt : undefined),
  error: (resetsAt) => heldSearch(SEARCH, resetsAt),
};
const JOBS = "/commands/schedule_job/";
const JOB = "/commands/schedule_job/{id}/";
const LOG_ATTEMPTS = 30;
const LOG_PAUSE_MS = 500;

function countOf(page: z.output<typeof wire.instancePage>): number | null {
  return page.total_instances ?? page.instances_found;
}

function undefinedWhenGone(error: unknown): undefined {
  if (isVastError(error, "no_such_instance")) return undefined;
  throw error;
}

function falseWhenUnknown(error: unknown): false {
  if (isVastError(error, "invalid")) return false;
  throw error;
}

/** A page is asked for by the last row of the one before, which may have been destroyed since. */
function undefinedWhenStale(error: unknown): undefined {
  if (isVastError(error, "invalid") && error.code === "invalid_token") return undefined;
  throw error;
}

function shaped<T extends z.ZodType>(shape: T, body: unknown, call: Call): z.output<T> {
  const result = shape.safeParse(body);
  return result.success ? result.data : unreadable(call);
}

function unreadable(call: Call): never {
  throw vastError("server", `${call.method} ${call.path}: Vast's answer has an unknown shape; try again`);
}

/** Type and base64 decide, the comment does not. */
function sameKey(one: string, other: string): boolean {
  const bare = (key: string) => key.trim().split(/\s+/).slice(0, 2).join(" ");
  return bare(one) === bare(other);
}
