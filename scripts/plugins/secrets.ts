import { isRpcSecret, specialSecretSig, specialSigKey, unwrapRpcSecret } from "@pulumi/pulumi/runtime/rpc.js";

/** A value in plain form: secrets in it are unwrapped at any depth. */
export function reveal(value: unknown): unknown {
  if (isRpcSecret(value)) return reveal(unwrapRpcSecret(value));
  if (Array.isArray(value)) return value.map(reveal);
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, reveal(inner)]));
}

/** The value as a secret: Pulumi encrypts it in the state and shows [secret]. */
export function conceal(value: unknown): unknown {
  return isRpcSecret(value) ? value : { [specialSigKey]: specialSecretSig, value };
}

export { isRpcSecret as isSecret };
