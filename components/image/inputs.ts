import type { CodeSource } from "../code/check-repository.ts";
import { syncOptions } from "../code/dependencies.ts";
import { isSshUrl, wayOf } from "../code/git/url.ts";
import type { RunConfig } from "../config/config.ts";
import { targetOf } from "../vast/client/api.ts";
import type { PlanInputs } from "./build/state.ts";

/** Config keys that decide about the image. */
const KEYS = [
  "image",
  "imageBuild",
  "imageBase",
  "registryUser",
  "envFile",
  "netrcFile",
  "apiUrl",
  "apiKeyFile",
  "sshKey",
  "builderMaxPricePerHour",
  "builderMaxMinutes",
  "branch",
  "gitAuth",
  "extras",
  "groups",
] as const;

export type ImageConfig = Pick<RunConfig, (typeof KEYS)[number]>;

/** Could every key that decides about the image be read? */
export function isImageConfig(config: Partial<RunConfig>): config is Partial<RunConfig> & ImageConfig {
  return KEYS.every((key) => config[key] !== undefined);
}

/** Inputs of the image for this code. */
export function imageInputs(config: ImageConfig, head: CodeSource): PlanInputs {
  const { image, imageBuild, imageBase, registryUser, envFile, netrcFile, apiUrl, branch, gitAuth } = config;
  const { url, way, tokenFor, commit, snapshot } = head;
  // A build has no git login: repositories that need one are cloned at launch.
  const isOpen = wayOf(gitAuth, url) === "none";
  const extraRepos = isOpen ? head.extraRepos.filter((extra) => !isSshUrl(extra.url)) : [];
  const sourceDir = snapshot?.sourceDir ?? "";
  const code = { url, way, tokenFor, envFile, netrcFile, extraRepos, sourceDir };
  const { sshKey, builderMaxPricePerHour: maxPricePerHour, builderMaxMinutes: maxMinutes } = config;
  const builder = { ...targetOf(config), sshKey, maxPricePerHour, maxMinutes };
  const options = syncOptions(config);
  return { image, imageBuild, imageBase, registryUser, envFile, apiUrl, branch, commit, code, builder, options };
}
