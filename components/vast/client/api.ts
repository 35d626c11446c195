import { createHmac } from "node:crypto";
import { readFileSync, statSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { z } from "zod";
import { isLoopback } from "../../lib/loopback.ts";
import { absolute } from "../../lib/path.ts";
import { learnSecrets } from "../../lib/secrets.ts";
import { stateDirPath } from "../../lib/state-dir.ts";
import { vastError } from "./errors.ts";

/** Which API to talk to, as in the stack config and in every state. */
export const apiTarget = z.object({
  /** "" = https://console.vast.ai, "simulator" = the running simulator, or a URL. */
  apiUrl: z.string("a URL, or simulator"),
  /** Path of a file that holds the API key; "" = where the official client keeps it. */
  apiKeyFile: z.string("a path"),
});

export type ApiTarget = Readonly<z.output<typeof apiTarget>>;

/** Vast's own, with the key where it is usually kept. */
export const VAST: ApiTarget = { apiUrl: "", apiKeyFile: "" };

/** Picks the API out of inputs, a stack config or a state. */
export function targetOf({ apiUrl, apiKeyFile }: ApiTarget): ApiTarget {
  return { apiUrl, apiKeyFile };
}

/** Picks it out of a state or a journal entry, where a field may be missing. */
export function targetIn({ apiUrl, apiKeyFile }: { readonly [Key in keyof ApiTarget]?: unknown }): ApiTarget {
  const text = (value: unknown) => (typeof value === "string" ? value : "");
  return { apiUrl: text(apiUrl), apiKeyFile: text(apiKeyFile) };
}

/** A reachable API. */
export interface Api {
  /** Origin without a trailing slash. */
  readonly url: string;
  /** Reads the key when it is needed. */
  key(): string;
  /** Where the key comes from, for people. */
  readonly keySource: string;
}

const REAL_HOST = "https://console.vast.ai";

/**
 * Recognises a key on any host without revealing it: `<nonce>:<HMAC-SHA256 of the key with that nonce>`, 16 digits of
 * it. A key is too random to be guessed from that. Throws as `key` does.
 */
export function keyFingerprint({ key }: Pick<Api, "key">, nonce: string): string {
  return `${nonce}:${createHmac("sha256", nonce).update(key()).digest("hex").slice(0, 16)}`;
}

/**
 * Resolves a target. Throws VastError `config` or `no_key` with a sentence for the user.
 *
 * The key of the real host is looked for in VAST_API_KEY, `apiKeyFile` and the two files of the official client, in this
 * order. Any other host gets a key only from an explicit `apiKeyFile`: a stray URL never sees the real one.
 */
export function openApi(target: ApiTarget, env: NodeJS.ProcessEnv = process.env): Api {
  if (target.apiUrl === "simulator") return openSimulator(env);
  const url = apiOrigin(target.apiUrl, env);
  return url === REAL_HOST ? openRealHost(target.apiKeyFile, env) : openOtherHost(url, target.apiKeyFile, env);
}

/** Where an API is, without a key. Throws VastError `config`. */
export function apiOrigin(apiUrl: string, env: NodeJS.ProcessEnv = process.env): string {
  if (apiUrl === "simulator") return openSimulator(env).url;
  return originOf(apiUrl === "" ? REAL_HOST : apiUrl);
}

function openRealHost(apiKeyFile: string, env: NodeJS.ProcessEnv): Api {
  if (env.VAST_API_KEY !== undefined && env.VAST_API_KEY.trim() !== "") {
    return { url: REAL_HOST, key: () => usableKey(env.VAST_API_KEY ?? "", "VAST_API_KEY"), keySource: "VAST_API_KEY" };
  }
  if (apiKeyFile !== "") return withKeyFile(REAL_HOST, absolute(apiKeyFile, env));
  const places = officialKeyFiles(env);
  const file = places.find(isFile);
  if (file !== undefined) return withKeyFile(REAL_HOST, file);
  throw vastError(
    "no_key",
    `no Vast API key: set VAST_API_KEY, or apiKeyFile in the stack config, or write the key to ${places[1]}, chmod 600 (looked also in ${places[0]})`,
  );
}

function openOtherHost(url: string, apiKeyFile: string, env: NodeJS.ProcessEnv): Api {
  if (apiKeyFile !== "") return withKeyFile(url, absolute(apiKeyFile, env));
  throw vastError(
    "no_key",
    `apiUrl is ${url}, and only the real host gets the usual key: name the file that holds its key in apiKeyFile`,
  );
}

const runtimeShape = z.object({ url: z.string(), apiKeyFile: z.string(), pid: z.int().positive() });

/** The simulator notes its address in the state directory while it runs. */
function openSimulator(env: NodeJS.ProcessEnv): Api {
  const file = join(stateDirPath(env), "simulator", "runtime.json");
  const runtime = runtimeShape.safeParse(readJson(file)).data;
  if (runtime === undefined || !isAlive(runtime.pid)) {
    throw vastError("config", "apiUrl is simulator, but none is running: start one with `npm run -s simulator`");
  }
  const url = originOf(runtime.url);
  if (!isLoopback(new URL(url).hostname)) throw vastError("config", `${file} names ${url}, which is not this machine`);
  return withKeyFile(url, runtime.apiKeyFile);
}

function withKeyFile(url: string, file: string): Api {
  if (!isFile(file)) {
    const remedy = "write the key to it, or change apiKeyFile";
    throw vastError("no_key", `the API key file ${file} does not exist`, { remedy });
  }
  return { url, key: () => usableKey(readKey(file), file), keySource: file };
}

function readKey(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    throw vastError("no_key", `the API key file ${file} cannot be read (${(error as NodeJS.ErrnoException).code})`);
  }
}

/** A key is one printable word; anything else would end up in a header, or is a file that holds something else. */
function usableKey(text: string, source: string): string {
  const key = text.trim();
  learnSecrets([key]);
  if (/^[\x21-\x7e]{1,512}$/.test(key)) return key;
  throw vastError("no_key", `${source} should hold the API key alone, one word, and does not`);
}

/** The origin of a URL, https unless it is this machine. Throws `config`. */
function originOf(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const wrong = (what: string) =>
    vastError("config", `apiUrl ${what}`, {
      remedy: 'write "" for Vast, simulator, or a URL like https://console.vast.ai',
    });
  if (url === undefined || !/^https?:$/.test(url.protocol)) throw wrong(`${JSON.stringify(text)} is not a URL`);
  if (url.username !== "" || url.password !== "") throw wrong("holds a user name or password");
  if (url.pathname !== "/" || url.search !== "" || url.hash !== "") throw wrong(`${url.origin}… has a path`);
  if (url.protocol === "http:" && !isLoopback(url.hostname)) throw wrong(`${url.origin} is not https`);
  return url.origin;
}

function officialKeyFiles(env: NodeJS.ProcessEnv): string[] {
  const home = env.HOME || homedir();
  return [join(env.XDG_CONFIG_HOME || join(home, ".config"), "vastai", "vast_api_key"), join(home, ".vast_api_key")];
}

function isFile(path: string): boolean {
  try {
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

function readJson(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, "utf8"));
  } catch {
    return undefined;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
