import { readFileSync } from "node:fs";
import { absolute } from "../lib/path.ts";
import { learnSecrets } from "../lib/secrets.ts";
import { envValues } from "./env-file.ts";

/** Tokens for registries. They can push under the user's name, so they must never be sent to a rented machine. */
export const REGISTRY_TOKENS = ["DOCKERHUB_TOKEN", "REGISTRY_TOKEN"] as const;

/** Docker Hub has its own token; any other registry uses REGISTRY_TOKEN. */
export function tokenNameFor(registry: string): (typeof REGISTRY_TOKENS)[number] {
  return registry === "docker.io" ? "DOCKERHUB_TOKEN" : "REGISTRY_TOKEN";
}

/** From the environment, else from the env file; a file that cannot be read counts as empty. */
export function findToken(name: string, envFile: string, env: NodeJS.ProcessEnv = process.env): string | undefined {
  const token = env[name]?.trim() || fromFile(absolute(envFile, env))[name]?.trim() || undefined;
  learnSecrets([token]);
  return token;
}

function fromFile(path: string): Record<string, string> {
  try {
    return envValues(readFileSync(path, "utf8"));
  } catch {
    return {};
  }
}
