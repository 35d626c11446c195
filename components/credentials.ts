import { readFileSync } from "node:fs";
import * as pulumi from "@pulumi/pulumi";
import { parse } from "dotenv";
import { netrcEntry } from "./netrc.ts";
import { absolute } from "./path.ts";
import type { Problem } from "./problem.ts";

/** A credential that was found. */
export interface Credential {
  readonly name: string;
  readonly value: pulumi.Output<string>;
  /** Where, for people: "the environment", or a path. */
  readonly from: string;
}

/** Credentials to forward, and what is missing. */
export interface Credentials {
  readonly found: readonly Credential[];
  readonly problems: readonly Problem[];
}

/** What to look for, and where. */
export interface CredentialSearch {
  /** To forward where found. */
  readonly forward: readonly string[];
  /** Must be found; forwarded too. */
  readonly require: readonly string[];
  readonly envFile: string;
  readonly netrcFile: string;
}

/** It can push images under the user's name and has no business on a stranger's machine. */
const NEVER_FORWARDED = "DOCKERHUB_TOKEN";
const WANDB_MACHINE = "api.wandb.ai";

/**
 * Looks in the environment, the env file and, for WANDB_API_KEY, the netrc file, in this order. An empty value is none.
 * A file that is not there is an empty one; one that cannot be read is a problem.
 */
export function findCredentials(search: CredentialSearch, env: NodeJS.ProcessEnv = process.env): Credentials {
  const envFile = readText("envFile", absolute(search.envFile, env));
  const netrcFile = readText("netrcFile", absolute(search.netrcFile, env));
  const places: Place[] = [
    { from: "the environment", values: env },
    { from: envFile.path, values: parse(envFile.text) },
    { from: netrcFile.path, values: { WANDB_API_KEY: netrcEntry(netrcFile.text, WANDB_MACHINE)?.password } },
  ];
  const names = [...new Set([...search.require, ...search.forward])];
  const found = names.flatMap((name) => credentialIn(places, name));
  const missing = search.require.filter((name) => !found.some((credential) => credential.name === name));
  return {
    found: found.filter(({ name }) => name !== NEVER_FORWARDED),
    problems: [
      ...[envFile, netrcFile].flatMap(({ problem }) => problem ?? []),
      ...missing.map((name) => missingProblem(name, places)),
      ...(search.forward.includes(NEVER_FORWARDED) ? [neverForwarded()] : []),
    ],
  };
}

interface Place {
  readonly from: string;
  readonly values: Readonly<Record<string, string | undefined>>;
}

function credentialIn(places: readonly Place[], name: string): Credential[] {
  const place = places.find(({ values }) => (values[name] ?? "").trim() !== "");
  if (place === undefined) return [];
  return [{ name, value: pulumi.secret((place.values[name] ?? "").trim()), from: place.from }];
}

function missingProblem(name: string, places: readonly Place[]): Problem {
  const [environment, envFile, netrcFile] = places.map(({ from }) => from);
  return {
    key: "require",
    found: `${name} is neither in ${environment}, nor in ${envFile}, nor in ${netrcFile}`,
    write: `add a line ${name}=… to ${envFile}, or take ${name} out of require`,
  };
}

function neverForwarded(): Problem {
  return {
    key: "forward",
    found: `${NEVER_FORWARDED} must not go to a training machine`,
    write: `take ${NEVER_FORWARDED} out of forward`,
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
