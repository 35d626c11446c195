import { readFileSync, statSync } from "node:fs";
import { absolute } from "../lib/path.ts";
import type { Problem } from "../lib/problem.ts";
import { learnSecrets } from "../lib/secrets.ts";
import { type DoubtfulLine, readEnvFile } from "./env-file.ts";
import { learnFile } from "./known.ts";
import { netrcEntry, netrcPath } from "./netrc.ts";
import { REGISTRY_TOKENS } from "./registry-token.ts";

/** Credentials to forward, and what is missing. */
export interface FoundCredentials {
  /** By name. */
  readonly values: Readonly<Record<string, string>>;
  readonly problems: readonly Problem[];
  /** Sentences about env or netrc files from which a credential was taken. */
  readonly warnings: readonly string[];
}

/** What to look for, and where. */
export interface CredentialSearch {
  /** Names to forward if found. */
  readonly forward: readonly string[];
  /** Names that must be found; they are forwarded too. */
  readonly require: readonly string[];
  readonly envFile: string;
  readonly netrcFile: string;
  /** URL of the user's own Weights & Biases server, if there is one. */
  readonly wandbUrl?: string;
}

const NEVER_FORWARDED: readonly string[] = REGISTRY_TOKENS;
const WANDB = "https://api.wandb.ai";

/**
 * Looks in the environment, the env file and, for WANDB_API_KEY, the netrc file, in this order. An empty value counts
 * as missing. A file that does not exist counts as empty; a file that cannot be read is a problem. From then on this
 * process never prints a secret from these files.
 */
export function findCredentials(search: CredentialSearch, env: NodeJS.ProcessEnv = process.env): FoundCredentials {
  const envFile = readText("envFile", absolute(search.envFile, env));
  const netrcFile = readText("netrcFile", netrcPath(search.netrcFile, env));
  const { values: written, doubts } = readEnvFile(envFile.text);
  for (const { text } of [envFile, netrcFile]) learnFile(text);
  const places: Place[] = [
    { from: "the environment", values: env },
    { from: envFile.path, path: envFile.path, values: written },
    {
      from: netrcFile.path,
      path: netrcFile.path,
      values: { WANDB_API_KEY: netrcEntry(netrcFile.text, hostOf(search.wandbUrl || WANDB))?.password },
    },
  ];
  const names = [...new Set([...search.require, ...search.forward])];
  const found = new Map(names.flatMap((name) => credentialIn(places, name)));
  learnSecrets(found.values());
  const used = places.filter(({ values }) => [...found].some(([name, value]) => values[name]?.trim() === value));
  const doubtful = names.filter((name) => doubts[name] !== undefined && !env[name]?.trim());
  const missing = search.require.filter((name) => !found.has(name) && !doubtful.includes(name));
  return {
    values: Object.fromEntries([...found].filter(([name]) => !NEVER_FORWARDED.includes(name))),
    problems: [
      ...[envFile, netrcFile].flatMap(({ problem }) => problem ?? []),
      ...doubtful.map((name) => doubtProblem(name, envFile.path, doubts[name])),
      ...missing.map((name) => missingProblem(name, places)),
      ...search.forward.filter((name) => NEVER_FORWARDED.includes(name)).map(neverForwarded),
    ],
    warnings: used.flatMap(({ path }) => (path !== undefined && isOpen(path) ? [openText(path)] : [])),
  };
}

/** Host with its port, as wandb writes it to a netrc file; "" = not a URL. */
function hostOf(url: string): string {
  return /^https?:\/\/([^/?#]+)/i.exec(url)?.[1] ?? "";
}

interface Place {
  /** For people. */
  readonly from: string;
  /** Set when it comes from a file. */
  readonly path?: string;
  readonly values: Readonly<Record<string, string | undefined>>;
}

function isOpen(path: string): boolean {
  return ((statSync(path, { throwIfNoEntry: false })?.mode ?? 0) & 0o077) !== 0;
}

function openText(path: string): string {
  return `${path} holds credentials, and other users of this machine may read or write it: chmod 600 ${path}`;
}

function credentialIn(places: readonly Place[], name: string): [string, string][] {
  const values = places.map(({ values }) => (values[name] ?? "").trim());
  return values
    .filter((value) => value !== "")
    .map((value): [string, string] => [name, value])
    .slice(0, 1);
}

function missingProblem(name: string, places: readonly Place[]): Problem {
  const [environment, envFile, netrcFile] = places.map(({ from }) => from);
  return {
    key: "require",
    found: `${name} is neither in ${environment}, nor in ${envFile}, nor in ${netrcFile}`,
    write: `add a line ${name}=… to ${envFile}, or take ${name} out of require`,
  };
}

/** A value that a shell would run or expand cannot be used as a token. */
function doubtProblem(name: string, file: string, doubt: DoubtfulLine | undefined): Problem {
  const found = `line ${doubt?.line} of ${file}: ${name} ${doubt?.why}, and nothing is run or expanded here`;
  return { key: "envFile", found, write: `write its value itself, in single quotes, or export ${name} before` };
}

function neverForwarded(name: string): Problem {
  return {
    key: "forward",
    found: `${name} must not go to a training machine`,
    write: `take ${name} out of forward`,
  };
}

interface TextFile {
  readonly path: string;
  readonly text: string;
  readonly problem?: Problem;
}

function readText(key: string, path: string): TextFile {
  try {
    return { path, text: readFileSync(path, "utf8") };
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT") return { path, text: "" };
    return {
      path,
      text: "",
      problem: { key, found: `${path} cannot be read (${code})`, write: "name a readable file" },
    };
  }
}
