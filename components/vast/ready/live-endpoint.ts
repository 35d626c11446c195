import { durationText } from "../../lib/text.ts";
import type { Endpoint } from "../../ssh/endpoint.ts";
import { pinnedHostKeys } from "../../ssh/known-hosts.ts";
import { type LoginResult, probe, type SshAccess } from "../../ssh/probe.ts";
import { isRemoteError } from "../../ssh/remote-error.ts";
import { strangerText } from "../../ssh/shown-key.ts";
import type { VastClient } from "../client/client.ts";
import { isPassing, vastError } from "../client/errors.ts";
import { instanceNow } from "../client/instance-list.ts";
import { realSleep, type Sleep } from "../client/pacing.ts";
import { diskTail, phaseOf } from "../client/phase.ts";
import type { Instance } from "../client/wire.ts";
import { type Endpoints, endpoints } from "./endpoints.ts";

/** An endpoint that answers now. */
export interface LiveEndpoint extends Endpoint {
  /** `type base64`, one line. */
  readonly hostKey: string;
}

export interface LiveOptions {
  /** Give up at this time (`now()` milliseconds); default two minutes from now. */
  readonly deadline?: number;
  readonly now?: () => number;
  readonly sleep?: Sleep;
  readonly signal?: AbortSignal;
  /** The instance as Vast has just shown it; where it has no way in, or by default, Vast is asked before the first attempt. */
  readonly seen?: Instance | undefined;
  /** Hears of each attempt that failed. */
  readonly onAttempt?: (attempt: LoginResult) => void;
  /** Default: with system ssh. */
  readonly probe?: typeof probe;
}

const PATIENCE_MS = 120_000;
/** How often endpoints are read again: they may change, and each call makes others wait. */
const READ_EVERY_MS = 5_000;
/**
 * A strange host key for longer than this is the machine's own: until endpoints are read again, they may lead to
 * somebody else's.
 */
const STRANGE_MS = 20_000;
/** How long the direct way is tried alone: it normally takes a fraction of this. */
const HEAD_START_MS = 2_000;

/**
 * The first endpoint at which a login works. Direct and proxy are tried side by side, and read again from Vast in
 * between. Throws VastError: `no_such_instance`, `not_running`, `aborted`, or `no_login` with the last error of each
 * endpoint.
 */
export async function liveEndpoint(
  client: VastClient,
  access: SshAccess,
  options: LiveOptions = {},
): Promise<LiveEndpoint> {
  const stop = new AbortController();
  const abort = () => stop.abort();
  options.signal?.addEventListener("abort", abort);
  if (options.signal?.aborted) abort();
  const search = new LoginSearch(client, access, options, stop.signal);
  try {
    const ways = firstOf([search.along("direct"), search.along("proxy")]);
    // Vast may take minutes to say where the ways lead.
    const found = await Promise.race([ways, aborted(stop.signal)]);
    if (found !== undefined) {
      waysIn.set(access.instanceId, found);
      return found;
    }
    throw options.signal?.aborted ? vastError("aborted", "the login was called off") : search.failure();
  } finally {
    abort();
    options.signal?.removeEventListener("abort", abort);
  }
}

/** Whoever asks for an account of a machine takes the way by which its wait was let in. */
const waysIn = new Map<number, LiveEndpoint>();

/** The endpoint of this process's last login; undefined = there was none. */
export function lastWayIn(instanceId: number): LiveEndpoint | undefined {
  return waysIn.get(instanceId);
}

/** Resolves when the signal is aborted. */
function aborted(signal: AbortSignal): Promise<undefined> {
  if (signal.aborted) return Promise.resolve(undefined);
  return new Promise((resolve) => signal.addEventListener("abort", () => resolve(undefined)));
}

/** The first value that is not undefined, or undefined when none is; the first error ends it. */
function firstOf<T>(promises: readonly Promise<T | undefined>[]): Promise<T | undefined> {
  return new Promise((resolve, reject) => {
    let open = promises.length;
    for (const promise of promises) {
      promise.then((value) => {
        open -= 1;
        if (value !== undefined || open === 0) resolve(value);
      }, reject);
    }
  });
}

/** Tries both ways to one instance, sharing what Vast says about it. */
class LoginSearch {
  readonly #client: VastClient;
  readonly #access: SshAccess;
  readonly #signal: AbortSignal;
  readonly #now: () => number;
  readonly #sleep: Sleep;
  readonly #began: number;
  readonly #deadline: number;
  readonly #onAttempt: (attempt: LoginResult) => void;
  readonly #probe: typeof probe;
  readonly #last = new Map<Endpoint["via"], string>();
  /** Where, and since when, each way has shown another host key than the pinned one. */
  readonly #strange = new Map<
    Endpoint["via"],
    { readonly since: number; readonly where: string; readonly shown: string | undefined }
  >();
  #known: Endpoints = {};
  #trouble = "";
  #readAt = Number.NEGATIVE_INFINITY;
  #reading: Promise<void> | undefined;

  constructor(client: VastClient, access: SshAccess, options: LiveOptions, signal: AbortSignal) {
    this.#client = client;
    this.#access = access;
    this.#signal = signal;
    this.#now = options.now ?? Date.now;
    this.#sleep = options.sleep ?? realSleep;
    this.#began = this.#now();
    this.#deadline = options.deadline ?? this.#began + PATIENCE_MS;
    this.#onAttempt = options.onAttempt ?? (() => {});
    this.#probe = options.probe ?? probe;
    this.#take(options.seen);
  }

  #take(seen: Instance | undefined): void {
    const known = seen !== undefined && phaseOf(seen).phase === "ready" ? endpoints(seen) : {};
    if (known.direct === undefined && known.proxy === undefined) return;
    this.#known = known;
    this.#readAt = this.#began;
  }

  /** undefined = the deadline has passed, or the other way won. */
  async along(via: Endpoint["via"]): Promise<LiveEndpoint | undefined> {
    if (via === "proxy") await this.#letDirectGoFirst();
    while (!this.#signal.aborted) {
      await this.#refresh();
      const pause = await this.#attempt(this.#known[via]);
      if (typeof pause !== "number") return pause;
      if (this.#now() + pause > this.#deadline) return undefined;
      await this.#sleep(pause, this.#signal);
    }
    return undefined;
  }

  /** So that a machine whose two ways both work is always entered by the same way. */
  async #letDirectGoFirst(): Promise<void> {
    await this.#refresh();
    if (this.#known.direct !== undefined) await this.#sleep(HEAD_START_MS, this.#signal);
  }

  /** What to say when nobody let us in. */
  failure(): Error {
    if (this.#isStrangeEverywhere()) return this.#stranger();
    const words = [this.#last.get("direct"), this.#last.get("proxy"), this.#trouble].filter((text) => text);
    const why = words.length > 0 ? words.join("; ") : "Vast has published no ssh endpoint";
    const within = durationText((this.#deadline - this.#began) / 1000);
    return vastError("no_login", `instance ${this.#access.instanceId}: no login over ssh within ${within}: ${why}`);
  }

  /** A login, or milliseconds until the next attempt makes sense. */
  async #attempt(endpoint: Endpoint | undefined): Promise<LiveEndpoint | number> {
    if (endpoint === undefined) return 1000;
    const result = await this.#login(endpoint);
    if (result.ok) return { ...endpoint, hostKey: result.hostKey };
    if (this.#signal.aborted) return 0;
    this.#noteStranger(result);
    this.#last.set(endpoint.via, `${endpoint.via} ${endpoint.host}:${endpoint.port} ${result.reason} (${result.text})`);
    this.#onAttempt(result);
    // A refused connection costs nothing; a rejected login does.
    return result.reason === "refused" ? 500 : 1500;
  }

  /** Callers expect a VastError; any other error is a matter of the set-up. */
  async #login(endpoint: Endpoint): Promise<LoginResult> {
    try {
      return await this.#probe(endpoint, this.#access, this.#signal);
    } catch (error) {
      if (!isRemoteError(error)) throw error;
      throw vastError(error.kind === "no_ssh" ? "config" : "invalid", error.message);
    }
  }

  /** Another machine, or ours created anew: waiting does not help when every way leads there. */
  #noteStranger({ endpoint: { via, host, port }, reason, shown }: LoginResult & { ok: false }): void {
    if (reason !== "host_key_changed") {
      this.#strange.delete(via);
      return;
    }
    const since = this.#strange.get(via)?.since ?? this.#now();
    this.#strange.set(via, { since, where: `${via} ${host}:${port}`, shown });
    const isLasting = [...this.#strange.values()].every((one) => this.#now() - one.since >= STRANGE_MS);
    if (isLasting && this.#isStrangeEverywhere()) throw this.#stranger();
  }

  #isStrangeEverywhere(): boolean {
    const ways = (["direct", "proxy"] as const).filter((way) => this.#known[way] !== undefined);
    return this.#strange.size > 0 && ways.every((way) => this.#strange.has(way));
  }

  #stranger(): Error {
    const { instanceId, key } = this.#access;
    const seen = [...this.#strange.values()];
    const where = seen.map((one) => one.where).join(", ");
    const shown = seen.find((one) => one.shown !== undefined)?.shown;
    const pinned = pinnedHostKeys(key.knownHostsFile, instanceId);
    return vastError("no_login", strangerText(instanceId, where, shown, pinned));
  }

  async #refresh(): Promise<void> {
    if (this.#reading === undefined && this.#now() - this.#readAt >= READ_EVERY_MS) {
      this.#reading = this.#read().finally(() => {
        this.#readAt = this.#now();
        this.#reading = undefined;
      });
    }
    await this.#reading;
  }

  /** An API that fails for a moment is no reason to stop trying the endpoints that are known. */
  async #read(): Promise<void> {
    try {
      const instance = await current(this.#client, this.#access.instanceId);
      this.#known = endpoints(instance);
      this.#trouble = "";
    } catch (error) {
      if (!isPassing(error)) throw error;
      this.#trouble = (error as Error).message;
    }
  }
}

/** The instance, if it runs. */
async function current(client: VastClient, id: number): Promise<Instance> {
  const instance = await instanceNow(client, id);
  if (instance === undefined) throw vastError("no_such_instance", `instance ${id} does not exist any more`);
  const { phase, text } = phaseOf(instance);
  if (phase === "stopped" || phase === "failed")
    throw vastError("not_running", `instance ${id} does not run: ${text}${diskTail(instance)}`);
  return instance;
}
