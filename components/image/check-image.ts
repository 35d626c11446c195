import * as pulumi from "@pulumi/pulumi";
import type { CodeSource } from "../code/check-repository.ts";
import type { RunConfig } from "../config/config.ts";
import type { Problem } from "../lib/problem.ts";
import { type Check, failed, passed } from "../lib/problem.ts";
import { type FoundImage, findImage } from "../registry/access.ts";
import { clauseOf, isRegistryError, type RegistryErrorKind } from "../registry/errors.ts";
import { registryNotes } from "../registry/notes.ts";
import { parseReference } from "../registry/reference.ts";
import { isVastError } from "../vast/client/errors.ts";
import { checkOptions } from "../vast/rental/image-pull.ts";
import { askRegistry, registryUserOf } from "./build/place.ts";
import { imageInputs, isImageConfig } from "./inputs.ts";

/** Errors that a machine may not have. */
const UNCERTAIN: readonly RegistryErrorKind[] = ["unreachable", "rate_limited", "unexpected"];

/** What registries say now. */
export interface ImageNow {
  /** null = its registry cannot be asked, or the image is one that is built. */
  readonly found: FoundImage | null;
  /** The base that many hosts have, `name@sha256:…`; "" = none is named, or it cannot be read. */
  readonly cachedBase: string;
}

/**
 * Does the image exist, and can a machine pull it? A registry that does not answer here is no problem of the stack: the
 * machine pulls the image, not we.
 */
export async function checkImage(config: Partial<RunConfig>, env: NodeJS.ProcessEnv): Promise<Check<ImageNow>> {
  const [{ value, problems }, { cachedBase, warning }] = await Promise.all([
    checkOwn(config, env),
    baseNow(config, env),
  ]);
  // It is of no use then, and may be in the same registry.
  const isInVain = value === undefined || (value === null && config.imageBuild === "never");
  if (warning !== undefined && !isInVain) await pulumi.log.warn(warning);
  return { ...(value === undefined ? {} : { value: { found: value, cachedBase } }), problems };
}

async function checkOwn(config: Partial<RunConfig>, env: NodeJS.ProcessEnv): Promise<Check<FoundImage | null>> {
  const { image, imageBuild, registryUser, envFile, apiUrl } = config;
  if (image === undefined || registryUser === undefined || envFile === undefined || apiUrl === undefined) {
    return { problems: [] };
  }
  if (imageBuild === undefined) return { problems: [] };
  if (imageBuild !== "never") return buildable(image);
  try {
    return passed(await askRegistry(image, { image, registryUser, envFile, apiUrl }, env, "check"));
  } catch (error) {
    // checkAccount reports it.
    if (isVastError(error, "config")) return { problems: [] };
    if (!isRegistryError(error)) throw error;
    const { kind, message } = error;
    if (!UNCERTAIN.includes(kind)) {
      return failed({ key: "image", found: clauseOf(error), write: remedy(kind, image, registryUser, envFile) });
    }
    await pulumi.log.warn(`${message} So image is not checked; the machine will pull it all the same.`);
    return passed(null);
  }
}

interface BaseNow {
  readonly cachedBase: string;
  /** Why it cannot be read. */
  readonly warning?: string;
}

/** Nothing but the quote needs it, so whatever is wrong with it is a warning. */
async function baseNow({ cachedBase = "", apiUrl }: Partial<RunConfig>, env: NodeJS.ProcessEnv): Promise<BaseNow> {
  if (cachedBase === "" || apiUrl === undefined) return { cachedBase: "" };
  try {
    // What many hosts have anybody may pull; a token of the image's registry must not get to another one.
    const access = { login: undefined, folder: registryNotes(env), options: checkOptions(apiUrl, env) };
    return { cachedBase: (await findImage(cachedBase, access)).pinned };
  } catch (error) {
    if (isVastError(error, "config")) return { cachedBase: "" };
    if (!isRegistryError(error)) throw error;
    return { cachedBase: "", warning: `cachedBase: ${error.message} So what it saves of the pull is not known.` };
  }
}

/** Problems of a build. TrainingImage reports them too, but not together with other problems. */
export async function checkBuild(config: Partial<RunConfig>, head: CodeSource | undefined): Promise<Problem[]> {
  if (head === undefined || !isImageConfig(config) || config.imageBuild === "never") return [];
  const { planImage } = await import("./build/build.ts");
  const { failures } = await planImage({}, imageInputs(config, head));
  return failures.map(({ property: key, reason: found }) => ({ key, found }));
}

function buildable(image: string): Check<null> {
  if (!image.includes("@")) return passed(null);
  const write = "an image without a digest, or imageBuild never";
  return failed({ key: "image", found: `${image} is one image for ever, and imageBuild makes new ones`, write });
}

function remedy(kind: RegistryErrorKind, image: string, registryUser: string, envFile: string): string {
  const reference = parseReference(image);
  const { tokenName, user } = reference ? registryUserOf(reference, registryUser) : { tokenName: "", user: "" };
  if (kind === "denied") {
    return `push it, make it public, or put ${tokenName}=… into ${envFile} (user ${JSON.stringify(user)}, see registryUser)`;
  }
  if (kind === "bad_login") return `write a valid ${tokenName} to ${envFile}, and its user to registryUser`;
  if (kind === "unusable") return "name one that is made for linux/amd64";
  return "name one that exists, or push it first";
}
