import { findToken, tokenNameFor } from "../../credentials/registry-token.ts";
import { type Access, type FoundImage, findImage } from "../../registry/access.ts";
import { registryNotes } from "../../registry/notes.ts";
import { type ImageReference, parseReference } from "../../registry/reference.ts";
import { checkOptions, hubOf } from "../../vast/rental/image-pull.ts";

/** Where an image is, and the login for it. Holds no secret. */
export interface ImagePlace {
  /** As in the stack config. */
  readonly image: string;
  /** "" = the first part of the image's path. */
  readonly registryUser: string;
  readonly envFile: string;
  readonly apiUrl: string;
}

/** A user of a registry, and where the token is. */
export interface RegistryUser {
  readonly registry: string;
  readonly user: string;
  readonly tokenName: string;
}

export function registryUserOf({ registry, repository }: ImageReference, registryUser: string): RegistryUser {
  const user = registryUser || (repository.split("/")[0] ?? "");
  return { registry, user, tokenName: tokenNameFor(registry) };
}

/** What is asked for: a check waits for seconds, a build as long as it takes. */
export type Purpose = "check" | "build";

/** Asks the registry; `name` is an image in the same repository as that of the place. Throws RegistryError. */
export function askRegistry(
  name: string,
  place: ImagePlace,
  env: NodeJS.ProcessEnv,
  purpose: Purpose,
): Promise<FoundImage> {
  return findImage(name, accessOf(name, place, env, purpose));
}

/** The access that a machine of this stack has. */
export function accessOf(name: string, place: ImagePlace, env: NodeJS.ProcessEnv, purpose: Purpose): Access {
  const reference = parseReference(name);
  const who = reference && registryUserOf(reference, place.registryUser);
  const token = who && findToken(who.tokenName, place.envFile, env);
  return {
    login: who && token !== undefined ? { username: who.user, password: token } : undefined,
    folder: registryNotes(env),
    options: purpose === "check" ? checkOptions(place.apiUrl, env) : hubOf(place.apiUrl, env),
  };
}
