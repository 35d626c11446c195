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

/** Where credentials of this user were ever looked for: a later command has no stack config, and shows none of them. */
const shape = z.object({ files: z.array(z.string()), names: z.array(z.string()) });
type Places = z.output<typeof shape>;

/** What is looked for where nobody says otherwise. */
const USUAL: Places = {
  files: ["~/.env", "~/.netrc"],
  names: [...REGISTRY_TOKENS, "HF_TOKEN", "WANDB_API_KEY", "GITHUB_TOKEN", "VAST_API_KEY"],
};

interface Search extends Readonly<Record<"envFile" | "netrcFile", string>> {
  readonly forward: readonly string[];
  readonly require: readonly string[];
}

/** Notes files and names, so that whatever runs later knows what it must not show. Holds no secret. */
export function noteSearch(dir: Pick<StateDir, "path">, search: Search, env = process.env): void {
  const noted = placesIn(dir.path);
  const files = [...new Set([...noted.files, absolute(search.envFile, env), netrcPath(search.netrcFile, env)])];
  const names = [...new Set([...noted.names, ...search.forward, ...search.require])];
  if (files.length + names.length === noted.files.length + noted.names.length) return;
  writeWhole(fileIn(dir.path), `${JSON.stringify({ files, names })}\n`);
}

/** Takes every credential that this user's files and environment hold out of what this process shows. Never throws. */
export function learnCredentials(env: NodeJS.ProcessEnv = process.env): void {
  const { files, names } = placesIn(stateDirPath(env));
  learnSecrets([...USUAL.names, ...names].map((name) => env[name]?.trim()));
  for (const file of [...USUAL.files, ...files]) learnFile(textOf(netrcPath(file, env)));
}

/** Of the text of an env file or a netrc file: every value of the one, every password of the other. */
export function learnFile(text: string): void {
  learnSecrets([...readEnvFile(text).texts.filter(isNoPlace), ...netrcPasswords(text)]);
}

/** A path that leads somewhere on this machine is none. */
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

/** A file that cannot be read is a matter for whoever needs it. */
function textOf(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}
