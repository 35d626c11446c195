import { findCredentials } from "../../credentials/credentials.ts";
import type { GitAuth } from "../../remote/scripts.ts";
import type { GitCredentials } from "./setup.ts";
import { isSshUrl, originOf } from "./url.ts";

/** Name of the token that reads a private repository over https. */
export const GIT_TOKEN = "GITHUB_TOKEN";

/** Where credentials are looked for. */
export interface TokenPlaces {
  readonly envFile: string;
  readonly netrcFile: string;
}

/** Searched like every credential: in the environment, then in the env file. */
export function findGitToken(places: TokenPlaces, env: NodeJS.ProcessEnv = process.env): string | undefined {
  const { values } = findCredentials({ ...places, forward: [GIT_TOKEN], require: [] }, env);
  return values[GIT_TOKEN];
}

/**
 * How this machine logs in to a server: with only what the rented machine will have, so that nothing is found here that
 * the machine cannot get; with upload, as the user's own git would.
 */
export function loginFor(
  { way, tokenFor = "", ...places }: TokenPlaces & { readonly way: GitAuth; readonly tokenFor?: string },
  url: string,
  env: NodeJS.ProcessEnv = process.env,
): GitCredentials {
  if (way === "upload") return "own";
  if (isSshUrl(url)) return "agent";
  const token = way === "token" && originOf(url) === tokenFor ? findGitToken(places, env) : undefined;
  return token === undefined ? "none" : { token, origin: originOf(url) };
}
