/** Which API to talk to, as in the stack config and in the state. */
export interface ApiTarget {
  /** "" = https://console.vast.ai, "simulator" = the running simulator, or a URL. */
  readonly apiUrl: string;
  /** Path of a file that holds the API key; "" = where the official client keeps it. */
  readonly apiKeyFile: string;
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

/** Resolves a target. Throws VastError `config` or `no_key` with a sentence for the user. */
export declare function openApi(target: ApiTarget, env?: NodeJS.ProcessEnv): Api;
