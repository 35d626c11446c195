import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { writeWhole } from "../lib/draft.ts";
import { absolute } from "../lib/path.ts";
import { learnSecrets } from "../lib/secrets.ts";
import { type StateDir, stateDirPath } from "../lib/state-dir.ts";
import { readEnvFile } from "./env-file.ts";
import { netrcPasswords, netrcPath } from "./netrc.ts";
import { REGISTRY_TOKENS } from "./registry-token.ts";

/**
 * All places where this user's credentials were ever looked for, so that a later command without a stack config hides
 * them too.
 */
const shape = z.object({ files: z.array(z.string()), names: z.array(z.string()) });
type Places = z.output<typeof shape>;

/** Places that are always searched. */
const USUAL: Places = {
  files: ["~/.env", "~/.netrc"],
  names: [...REGISTRY_TOKENS, "HF_TOKEN", "WANDB_API_KEY", "GITHUB_TOKEN", "VAST_API_KEY"],
};

interface Search extends Readonly<Record<"envFile" | "netrcFile", string>> {
  readonly forward: readonly string[];
  readonly require: readonly string[];
}

/** Notes files and names, so that later commands know what to hide. Writes no secret. */
export function noteSearch(dir: Pick<StateDir, "path">, search: Search, env = process.env): void {
  const noted = placesIn(dir.path);
  const files = [...new Set([...noted.files, absolute(search.envFile, env), netrcPath(search.netrcFile, env)])];
  const names = [...new Set([...noted.names, ...search.forward, ...search.require])];
  if (files.length + names.length === noted.files.length + noted.names.length) return;
  writeWhole(fileIn(dir.path), `${JSON.stringify({ files, names })}\n`);
}

/** Reads every credential in this user's files and environment, so that this process never prints one. Never throws. */
export function learnCredentials(env: NodeJS.ProcessEnv = process.env): void {
  const { files, names } = placesIn(stateDirPath(env));
  learnSecrets([...USUAL.names, ...names].map((name) => env[name]?.trim()));
  for (const file of [...USUAL.files, ...files]) learnFile(textOf(netrcPath(file, env)));
}

/** Learns every value of an env file's text, or every password of a netrc file's. */
export function learnFile(text: string): void {
  learnSecrets([...readEnvFile(text).texts.filter(isNoPlace), ...netrcPasswords(text)]);
}

/** An existing absolute path is not a secret. */
function isNoPlace(value: string): boolean {
  return !value.startsWith("/") || statSync(value, { throwIfNoEntry: false }) === undefined;
}

function placesIn(stateDir: string): Places {
  const none = { files: [], names: [] };
  try {
    return shape.safeParse(JSON.parse(textOf(fileIn(stateDir)) || "{}")).data ?? none;
  } catch {
    return none;
  }
}

function fileIn(stateDir: string): string {
  return join(stateDir, "credential-places.json");
}

/** "" if the file cannot be read: whoever needs the file reports that. */
function textOf(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}
