import { findToken } from "../../credentials/registry-token.ts";
import { isLoopback } from "../../lib/loopback.ts";
import { registryNotes } from "../../registry/notes.ts";
import { Outages } from "../../registry/outages.ts";
import { whyNotPullable } from "../../registry/pullable.ts";
import type { RegistryOptions } from "../../registry/session.ts";
import { apiOrigin } from "../client/api.ts";
import { vastError } from "../client/errors.ts";

/** A machine's login at the registry of a private image. Holds no secret: the token is looked up when it is needed. */
export interface ImageLogin {
  /** `docker.io`, or host and port. */
  readonly registry: string;
  readonly user: string;
  /** Name of the token in the environment or in `envFile`. */
  readonly tokenName: string;
  readonly envFile: string;
}

/** What Vast wants to read: one line of words for `docker login`. Throws `config` when the token is not there. */
export function imageLoginText({ registry, user, tokenName, envFile }: ImageLogin): string {
  const token = findToken(tokenName, envFile);
  if (token === undefined) {
    throw vastError("config", `the image is private, and ${tokenName} is neither in the environment nor in ${envFile}`);
  }
  if (/\s/.test(token)) throw vastError("config", `${tokenName} holds a blank, and Vast takes a token without any`);
  return `-u ${user} -p ${token} ${registry}`;
}

/** Options to check what a machine with this login can pull; null = without a login. */
export function registryOptionsOf(login: ImageLogin | null, apiUrl: string, env: NodeJS.ProcessEnv): RegistryOptions {
  const password = login && findToken(login.tokenName, login.envFile, env);
  return { ...checkOptions(apiUrl, env), login: login && password ? { username: login.user, password } : undefined };
}

/** A simulator on this machine serves its own images. */
export function hubOf(apiUrl: string, env: NodeJS.ProcessEnv): Pick<RegistryOptions, "hub"> {
  const origin = apiOrigin(apiUrl, env);
  return isLoopback(new URL(origin).hostname) ? { hub: origin } : {};
}

/** How a check asks a registry: one that does not answer costs seconds, and not again for minutes. */
export function checkOptions(apiUrl: string, env: NodeJS.ProcessEnv): Pick<RegistryOptions, "hub" | "outages"> {
  return { ...hubOf(apiUrl, env), outages: new Outages(registryNotes(env)) };
}

/** The image that a machine pulls, and its login for that. */
export interface ImagePull {
  readonly image: string;
  /** Default null: everybody may pull it. */
  readonly imageLogin?: ImageLogin | null | undefined;
  readonly apiUrl: string;
}

/** Why a pinned image cannot be pulled: it may have been removed since. undefined = it can, or nobody answers. */
export async function keptImageTrouble({ image, imageLogin = null, apiUrl }: ImagePull): Promise<string | undefined> {
  if (!image.includes("@")) return undefined;
  const why = await whyNotPullable(image, registryOptionsOf(imageLogin, apiUrl, process.env));
  if (!why) return undefined;
  return `${why}: no machine could pull it. Push it again, or have another one made or found with pulumi up --replace '**-image'`;
}
