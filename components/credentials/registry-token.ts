import { readFileSync } from "node:fs";
import { absolute } from "../lib/path.ts";
import { learnSecrets } from "../lib/secrets.ts";
import { envValues } from "./env-file.ts";

/** Tokens for registries. They can push under the user's name and have no business on a stranger's machine. */
export const REGISTRY_TOKENS = ["DOCKERHUB_TOKEN", "REGISTRY_TOKEN"] as const;

/** Docker Hub's token is for Docker Hub alone; whatever other registry an image names has one of its own. */
export function tokenNameFor(registry: string): (typeof REGISTRY_TOKENS)[number] {
  return registry === "docker.io" ? "DOCKERHUB_TOKEN" : "REGISTRY_TOKEN";
}

/** From the environment, or else from the env file; a file that cannot be read has none. */
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
