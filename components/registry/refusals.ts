import { type RegistryError, registryError } from "./errors.ts";
import type { ImageReference } from "./reference.ts";

export interface RegistryLogin {
  readonly username: string;
  /** A password or, better, an access token. */
  readonly password: string;
}

/** Registries do not tell what is private from what is not there. */
export function denied({ text }: ImageReference, login: RegistryLogin | undefined): RegistryError {
  const who = login
    ? `the login of ${JSON.stringify(login.username)} may not read it`
    : "nobody may read it without a login";
  return registryError("denied", `${text} is not there, or it is private and ${who}.`);
}

export function badLogin({ registry }: ImageReference, { username }: RegistryLogin): RegistryError {
  const what = `${registry} refuses the login of ${JSON.stringify(username)}`;
  return registryError("bad_login", `${what}: check the user and the token.`);
}
