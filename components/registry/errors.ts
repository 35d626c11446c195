/** What can be wrong with an image. Callers decide by kind and never look at an HTTP status. */
export type RegistryErrorKind =
  | "invalid" // no image can have this name
  | "not_found" // the registry answers, and has no such repository, tag or digest
  | "denied" // it is private or not there, and this login, or nobody's, may not read it
  | "bad_login" // the registry refuses user and token themselves
  | "rate_limited" // too many requests; `retryAfterSeconds` when the registry said it
  | "unreachable" // no answer, or one that says to come back later
  | "unusable" // it is there, but not for linux/amd64
  | "unexpected"; // an answer that no registry should give, such as a login page elsewhere

/** `message` is one sentence for people, without tokens, and of the registry's own text only its error codes. */
export interface RegistryError extends Error {
  readonly name: "RegistryError";
  readonly kind: RegistryErrorKind;
  readonly retryAfterSeconds?: number;
}

export function registryError(kind: RegistryErrorKind, message: string, retryAfterSeconds?: number): RegistryError {
  const more = retryAfterSeconds === undefined ? {} : { retryAfterSeconds };
  return Object.assign(new Error(message), { name: "RegistryError" as const, kind, ...more });
}

/** Is this an error about an image, and one of these kinds (any kind when none is named)? */
export function isRegistryError(error: unknown, ...kinds: RegistryErrorKind[]): error is RegistryError {
  if (!(error instanceof Error) || error.name !== "RegistryError") return false;
  return kinds.length === 0 || kinds.includes((error as RegistryError).kind);
}

/** The sentence of an error as a clause within another one. */
export function clauseOf({ message }: RegistryError): string {
  return message.replace(/\.$/, "");
}
