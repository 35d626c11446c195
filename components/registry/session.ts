import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { retryAfterSeconds } from "../lib/clock.ts";
import { isLoopback } from "../lib/loopback.ts";
import { jsonIn } from "../lib/text.ts";
import { type Challenge, readChallenge, realmOf } from "./challenge.ts";
import { registryError } from "./errors.ts";
import type { Outages } from "./outages.ts";
import { HUB, type ImageReference } from "./reference.ts";
import { badLogin, denied, type RegistryLogin } from "./refusals.ts";
import { type RegistryRequest, type RegistryResponse, send, TIMEOUT_MS, type Transport } from "./transport.ts";

export interface RegistryOptions {
  /** Without one only public images can be read. */
  readonly login?: RegistryLogin | undefined;
  /** Where Docker Hub's registry is. */
  readonly hub?: string;
  readonly transport?: Transport;
  /** Milliseconds. */
  readonly pause?: (ms: number) => Promise<unknown>;
  /**
   * For what only checks: seconds without an answer end it, and where one was noted here within the last minutes nothing
   * is sent. Default: a registry is waited for patiently.
   */
  readonly outages?: Outages;
}

const HUB_URL = "https://registry-1.docker.io";
const PAUSES_MS = [500, 2000];
const MAX_REDIRECTS = 3;
/** How long a check waits without an answer, pauses included. */
const CHECK_MS = 3000;

const tokenAnswer = z
  .object({ token: z.string().min(1).optional(), access_token: z.string().min(1).optional() })
  .transform(({ token, access_token }) => token ?? access_token);

/** Reads one repository of one registry. The login is sent only to get a token for pulling that repository. */
export class RegistrySession {
  readonly #image: ImageReference;
  readonly #base: URL;
  readonly #login: RegistryLogin | undefined;
  readonly #send: Transport;
  readonly #pause: (ms: number) => Promise<unknown>;
  readonly #outages: Outages | undefined;
  #authorization: string | undefined;
  /** When this session began, or had its last answer. */
  #heardAt = performance.now();

  constructor(image: ImageReference, options: RegistryOptions) {
    this.#image = image;
    this.#base = new URL(image.registry === HUB ? (options.hub ?? HUB_URL) : urlOf(image.registry));
    this.#login = options.login;
    this.#send = options.transport ?? send;
    this.#pause = options.pause ?? sleep;
    this.#outages = options.outages;
  }

  /** Asks for a path of the repository, and again with what the registry demands. */
  async ask(method: RegistryRequest["method"], path: string, accept: string): Promise<RegistryResponse> {
    const standing = this.#outages?.standing(this.#base.host);
    if (standing !== undefined) throw this.#unreachable(standing);
    const url = new URL(`/v2/${this.#image.repository}/${path}`, this.#base);
    const first = await this.#follow(url, method, accept);
    if (first.status !== 401 || this.#authorization !== undefined) return first;
    const challenge = readChallenge(first.header("www-authenticate"));
    this.#authorization = challenge && (await this.#authorize(challenge));
    return this.#authorization === undefined ? first : this.#follow(url, method, accept);
  }

  async #authorize(challenge: Challenge): Promise<string | undefined> {
    if (challenge.scheme === "basic") return this.#login && basic(this.#login);
    const realm = realmOf(challenge.realm, this.#base);
    if (!realm) throw this.#unexpected("names no safe place to log in");
    if (challenge.service !== undefined) realm.searchParams.set("service", challenge.service);
    realm.searchParams.set("scope", `repository:${this.#image.repository}:pull`);
    const headers: Record<string, string> = this.#login ? { Authorization: basic(this.#login) } : {};
    const answer = await this.#patiently({ url: realm, method: "GET", headers });
    if (answer.status === 401 && this.#login) throw badLogin(this.#image, this.#login);
    if ([401, 403].includes(answer.status)) throw denied(this.#image, this.#login);
    const token = answer.status === 200 ? tokenAnswer.safeParse(jsonIn(answer.body.toString("utf8"))).data : undefined;
    // A token becomes part of a header.
    if (token === undefined || !/^[\x21-\x7e]+$/.test(token)) throw this.#unexpected("gives no token");
    return `Bearer ${token}`;
  }

  /**
   * Follows redirects, because a registry may keep its manifests elsewhere. The token is sent to the registry alone.
   */
  async #follow(from: URL, method: RegistryRequest["method"], accept: string): Promise<RegistryResponse> {
    for (let url = from, left = MAX_REDIRECTS; ; left--) {
      const known = this.#authorization !== undefined && url.origin === this.#base.origin;
      const headers = { Accept: accept, ...(known ? { Authorization: this.#authorization ?? "" } : {}) };
      const answer = await this.#patiently({ url, method, headers });
      if (answer.status < 300 || answer.status > 399) return answer;
      const place = answer.header("location") ?? "";
      if (left === 0 || !URL.canParse(place, url.href)) throw this.#unexpected("sends us elsewhere without an end");
      url = new URL(place, url);
      if (url.protocol !== "https:" && !(isLoopback(url.hostname) && isLoopback(this.#base.hostname))) {
        throw this.#unexpected("sends us to a place without TLS");
      }
    }
  }

  async #patiently(ask: Omit<RegistryRequest, "timeoutMs">): Promise<RegistryResponse> {
    for (const pause of [...PAUSES_MS, undefined]) {
      const answer = await this.#send({ ...ask, timeoutMs: this.#left() }).catch((error: Error) => error);
      if (!(answer instanceof Error) && isOfRegistry(answer)) return this.#heard(ask, answer);
      const reason = answer instanceof Error ? answer.message : statusText(answer);
      if (pause === undefined || pause >= this.#left()) {
        this.#outages?.note(this.#base.host, reason);
        throw this.#unreachable(`${ask.url.host}: ${reason}`);
      }
      await this.#pause(pause);
    }
    throw new Error("not reached");
  }

  /** How long the next answer may take, milliseconds. */
  #left(): number {
    if (this.#outages === undefined) return TIMEOUT_MS;
    return Math.max(1, Math.round(this.#heardAt + CHECK_MS - performance.now()));
  }

  #heard({ url }: Pick<RegistryRequest, "url">, answer: RegistryResponse): RegistryResponse {
    this.#heardAt = performance.now();
    if (url.host === this.#base.host) this.#outages?.lift(url.host);
    return this.#unlimited(answer);
  }

  #unlimited(answer: RegistryResponse): RegistryResponse {
    if (answer.status !== 429) return answer;
    const seconds = retryAfterSeconds(answer.header("retry-after"), Date.now());
    const hint = this.#login ? "Try again later." : "Try again later, or with a login: that has a limit of its own.";
    throw registryError(
      "rate_limited",
      `The registry of ${this.#image.text} takes no more requests now. ${hint}`,
      seconds,
    );
  }

  #unreachable(why: string): Error {
    return registryError("unreachable", `The registry of ${this.#image.text} does not answer (${why}).`);
  }

  #unexpected(what: string): Error {
    return registryError("unexpected", `The registry of ${this.#image.text} ${what}.`);
  }
}

const PROXY_WANTS_LOGIN = 407;

/** Else it is one of a proxy, or one that says to come back later. */
function isOfRegistry({ status }: RegistryResponse): boolean {
  return status < 500 && status !== PROXY_WANTS_LOGIN;
}

function statusText({ status }: RegistryResponse): string {
  return `status ${status}${status === PROXY_WANTS_LOGIN ? ", the proxy wants a login" : ""}`;
}

/** Plain HTTP is for loopback only. */
function urlOf(registry: string): string {
  const url = new URL(`https://${registry}`);
  return isLoopback(url.hostname) ? `http://${registry}` : url.href;
}

function basic({ username, password }: RegistryLogin): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString("base64")}`;
}
