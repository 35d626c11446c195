import { syncs } from "../../code/dependencies.ts";
import { projectIn } from "../../code/git/project.ts";
import { loginFor } from "../../code/git/token.ts";
import { findToken } from "../../credentials/registry-token.ts";
import { openStateDir } from "../../lib/state-dir.ts";
import { printable } from "../../lib/text.ts";
import type { EngineWatch } from "../../pulumi/engine.ts";
import type { CheckFailure } from "../../pulumi/lifecycle.ts";
import type { FoundImage } from "../../registry/access.ts";
import { isRegistryError } from "../../registry/errors.ts";
import { type ImageReference, parseReference, qualified } from "../../registry/reference.ts";
import { findDigest } from "../../registry/registry.ts";
import { repoName } from "../../remote/scripts.ts";
import { isVastError } from "../../vast/client/errors.ts";
import type { ImageLogin } from "../../vast/rental/image-pull.ts";
import { type BuilderLimits, quoteBuilder, withBuilder } from "./builder.ts";
import { localEngine, whyNoEngine } from "./engine.ts";
import { type Build, type BuildFiles, buildAt } from "./files.ts";
import { accessOf, askRegistry, type Purpose, registryUserOf } from "./place.ts";
import { tagOf, willBuildText } from "./plan.ts";
import { runBuild } from "./run.ts";
import type { ImageState, PlanInputs, TrainingImageInputs } from "./state.ts";

/** What is to be done about the image; without `pinned` it is to be built. */
export interface ImagePlan extends ImageState {
  /** For people; undefined = nothing to tell. */
  readonly text?: string;
  readonly failures: CheckFailure[];
}

/** What a build uses from outside. */
export interface BuildMeans {
  readonly show: (text: string) => void;
  readonly say: (text: string) => Promise<void>;
  readonly engine: Pick<EngineWatch, "signal" | "alive">;
}

/**
 * Compares the inputs of the image with those it was made from, and asks the registry when they differ. Whatever stands
 * in the way of a build is reported before anything is built or rented.
 */
export async function planImage(olds: Partial<ImageState>, asked: PlanInputs): Promise<ImagePlan> {
  const blank = { image: asked.image, tag: "", parts: {} };
  try {
    const { files, parts } = await contents(asked);
    const tag = tagOf(parts);
    const state = { image: asked.image, tag, parts };
    if (olds.image === asked.image && olds.tag === tag && olds.pinned !== undefined) {
      const { pinned, compressedBytes = null, isPrivate = false } = olds;
      return { ...state, pinned, compressedBytes, isPrivate, text: `image ${tag} is up to date`, failures: [] };
    }
    if (files["pyproject.toml"] === undefined) throw new Wrong("imageBuild", `${asked.code.url} has no pyproject.toml`);
    if (!syncs(projectIn(files))) {
      throw new Wrong(
        "imageBuild",
        `pyproject.toml of ${asked.code.url} describes no project, so there is nothing to build an image of`,
      );
    }
    const found = await existing(tagged(asked.image, tag), asked, "check");
    if (found !== undefined) {
      return { ...state, ...found, text: `image ${tag} is up to date: the registry has it`, failures: [] };
    }
    await requireMeans(asked);
    const where = asked.imageBuild === "remote" ? await quoted(asked.builder) : "";
    return { ...state, text: `image ${tag}: ${willBuildText(olds.parts, parts)}${where}`, failures: [] };
  } catch (error) {
    return { ...blank, failures: [failureOf(error)] };
  }
}

/** Builds and pushes, unless somebody else has done so by now. */
export async function makeImage(asked: TrainingImageInputs, means: BuildMeans): Promise<ImageState> {
  const { files, parts } = await contents(asked, means.engine.signal);
  const tag = tagOf(parts);
  const state = { image: asked.image, tag, parts };
  const name = tagged(asked.image, tag);
  const there = await existing(name, asked, "build");
  if (there !== undefined) return { ...state, ...there };
  await requireMeans(asked);
  await onEngine(asked, files, [name, moving(asked.image)], means);
  const made = await existing(name, asked, "build");
  if (made === undefined) throw new Error(`${name} was pushed, and its registry does not have it`);
  await means.say(`pushed ${name}`);
  return { ...state, ...made };
}

async function onEngine(
  asked: TrainingImageInputs,
  files: BuildFiles,
  names: string[],
  means: BuildMeans,
): Promise<void> {
  const login = pusher(asked);
  const { show, engine } = means;
  const build = (where: { host: string; sshOpts?: readonly string[] }, signal: AbortSignal) =>
    runBuild(openStateDir(), files, { ...where, names, login }, { show, signal });
  if (asked.imageBuild === "local") return build({ host: localEngine() }, engine.signal);
  await withBuilder(asked.builder, { ...means, urn: asked.__urn }, ({ signal, ...where }) => build(where, signal));
}

class Wrong extends Error {
  readonly property: string;
  constructor(property: string, reason: string) {
    super(reason);
    this.property = property;
  }
}

function failureOf(error: unknown): CheckFailure {
  const { message } = error as Error;
  if (error instanceof Wrong) return { property: error.property, reason: message };
  if (isRegistryError(error)) return { property: "image", reason: message };
  if (isVastError(error)) return { property: error.kind === "config" ? "apiUrl" : "apiKeyFile", reason: message };
  return { property: "repo", reason: `the build's files cannot be read: ${printable(message, 400)}` };
}

function contents(
  { code, branch, commit, imageBase: base, options }: PlanInputs,
  signal?: AbortSignal,
): Promise<Build> {
  const source = { url: code.url, commit, ref: `refs/heads/${branch}`, login: loginFor(code, code.url) };
  const { extraRepos, sourceDir } = code;
  return buildAt(openStateDir(), source, sourceDir, { base, name: repoName(code.url), extraRepos, options }, signal);
}

function reference(image: string): ImageReference {
  const found = parseReference(image);
  if (found) return found;
  throw new Wrong("image", `${image} is no name of an image`);
}

function tagged(image: string, tag: string): string {
  return qualified({ ...reference(image), tag });
}

/** The image of the config, with the tag `latest` where it names none. */
function moving(image: string): string {
  return qualified(reference(image));
}

/** The image in its registry; undefined = there is none. A refused login is reported now, not after a build. */
async function existing(name: string, asked: PlanInputs, purpose: Purpose): Promise<FoundImage | undefined> {
  try {
    return await askRegistry(name, asked, process.env, purpose);
  } catch (error) {
    if (!isRegistryError(error, "not_found", "denied")) throw error;
    const { login, options } = accessOf(name, asked, process.env, purpose);
    if (login === undefined) return undefined;
    // Docker Hub says "denied" of a repository that does not exist yet.
    const digest = await findDigest(name, { ...options, login }).catch((reason: unknown) => {
      if (isRegistryError(reason, "denied")) return undefined;
      throw reason;
    });
    if (digest === undefined) return undefined;
    throw error;
  }
}

/** As whom an image is pushed. */
function pusher({ image, registryUser, envFile }: PlanInputs): ImageLogin {
  return { ...registryUserOf(reference(image), registryUser), envFile };
}

async function quoted(limits: BuilderLimits): Promise<string> {
  const quote = await quoteBuilder(limits).catch((error: Error) => {
    throw isVastError(error) ? error : new Wrong("builderMaxPricePerHour", error.message);
  });
  return quote && `; ${quote}`;
}

/** Checks that a build has its token and, for a local one, a Docker engine. */
async function requireMeans(asked: PlanInputs): Promise<void> {
  const login = pusher(asked);
  if (findToken(login.tokenName, login.envFile) === undefined) {
    const where = `${login.tokenName} is neither in the environment nor in ${login.envFile}`;
    throw new Wrong("imageBuild", `${where}, and the image is to be pushed as ${login.user}`);
  }
  if (asked.imageBuild !== "local") return;
  const host = localEngine();
  const why = await whyNoEngine(host);
  if (why === undefined) return;
  throw new Wrong(
    "imageBuild",
    `no Docker engine answers at ${host} (${why}); start one, set DOCKER_HOST, or set imageBuild to remote`,
  );
}
