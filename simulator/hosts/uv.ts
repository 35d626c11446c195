import { existsSync } from "node:fs";
import { join } from "node:path";
import { cacheDir } from "./cache.ts";

/** The version that set-up brings. */
export const UV_VERSION = "0.13.9";

/** Throws when set-up has not brought it. */
export function uvBinary(): string {
  const file = join(cacheDir(), "uv", UV_VERSION, "uv");
  if (existsSync(file)) return file;
  throw new Error(`uv ${UV_VERSION} is not at ${file}; \`npm run setup -- --for quickstart\` brings it.`);
}
