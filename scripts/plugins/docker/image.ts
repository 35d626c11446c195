import type { Readable } from "node:stream";
import { json, text } from "node:stream/consumers";
import { openContext, packContext } from "./context.ts";
import { callEngine, type EngineAddress, type EngineRequest } from "./engine.ts";
import type { ImageInputs, Registry } from "./inputs.ts";
import { follow, type Outcome } from "./progress.ts";
import { parseName } from "./reference.ts";

export interface ImageJob {
  engine: EngineAddress;
  inputs: ImageInputs;
  status: (text: string) => void;
  signal: AbortSignal;
}

export interface ImageOutputs {
  baseImageName: string;
  context: string;
  dockerfile: string;
  imageName: string;
  platform: string;
  registryServer: string;
  /** name@sha256:… if pushed, else the local id. */
  repoDigest: string;
}

/** Builds an image, and pushes it unless told otherwise. Rejects with the engine's words. */
export async function makeImage(job: ImageJob): Promise<ImageOutputs> {
  const { build, imageName, registry, skipPush } = job.inputs;
  const { dockerfile } = openContext(build.context, build.dockerfile);
  const imageId = await buildImage(job);
  return {
    baseImageName: imageName,
    context: build.context,
    dockerfile,
    imageName,
    platform: build.platform,
    registryServer: registry?.server ?? "",
    repoDigest: skipPush ? imageId : await pushImage(job),
  };
}

async function buildImage(job: ImageJob): Promise<string> {
  const { build, imageName, registry } = job.inputs;
  const context = openContext(build.context, build.dockerfile);
  job.status("Starting Docker build");
  const tar = packContext(context);
  try {
    const call: EngineRequest = {
      method: "POST",
      path: "/build",
      query: {
        t: imageName,
        dockerfile: context.dockerfile,
        platform: build.platform,
        version: build.builderVersion === "BuilderV1" ? "1" : "2",
        ...(build.args ? { buildargs: JSON.stringify(build.args) } : {}),
        ...(build.target ? { target: build.target } : {}),
      },
      headers: { "Content-Type": "application/x-tar", ...registryConfig(imageName, registry) },
      body: tar.stdout as Readable,
    };
    const { imageId } = await followed(job, call, "building image");
    if (imageId === undefined) throw new Error("no image id found in build output");
    return imageId;
  } finally {
    tar.kill();
  }
}

async function pushImage(job: ImageJob): Promise<string> {
  const { imageName, registry } = job.inputs;
  const { repository, tag } = nameOf(imageName);
  job.status("Pushing Image to the registry");
  const call: EngineRequest = {
    method: "POST",
    path: `/images/${repository}/push`,
    query: { tag },
    headers: { "X-Registry-Auth": encoded(credentials(imageName, registry)) },
  };
  const { digest } = await followed(job, call, "pushing image");
  if (digest === undefined) throw new Error("Push completed without reporting a digest");
  return `${repository}@${digest}`;
}

async function followed({ engine, signal, status }: ImageJob, call: EngineRequest, what: string): Promise<Outcome> {
  const { status: code, body } = await callEngine(engine, call, signal);
  if (code !== 200) throw new Error(`error ${what}: ${messageIn(await text(body)) || `the engine answered ${code}`}`);
  try {
    return await follow(body, status);
  } catch (error) {
    throw new Error(`error ${what}: ${(error as Error).message}`);
  }
}

function messageIn(body: string): string {
  try {
    return (JSON.parse(body) as { message: string }).message;
  } catch {
    return body.trim();
  }
}

function nameOf(imageName: string) {
  const name = parseName(imageName);
  if (!name) throw new Error(`${imageName} is not fully qualified`);
  return name;
}

/** The server of a login. Docker Hub's has a special address. */
function serverOf(imageName: string, registry: Registry | undefined): string {
  const named = registry?.server?.replace(/^https?:\/\//, "").replace(/\/.*$/, "");
  const server = named || parseName(imageName)?.registry || "";
  return /^(docker\.io|index\.docker\.io|registry-1\.docker\.io)$/.test(server)
    ? "https://index.docker.io/v1/"
    : server;
}

function credentials(imageName: string, registry: Registry | undefined): object {
  if (!registry?.username || !registry.password) return {};
  return {
    username: registry.username,
    password: registry.password,
    serveraddress: serverOf(imageName, registry),
  };
}

/** The login for a Dockerfile's base images. */
function registryConfig(imageName: string, registry: Registry | undefined): Record<string, string> {
  if (!registry?.username || !registry.password) return {};
  return { "X-Registry-Config": encoded({ [serverOf(imageName, registry)]: credentials(imageName, registry) }) };
}

function encoded(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString("base64").replaceAll("+", "-").replaceAll("/", "_");
}

/** Rejects when the engine cannot be reached. */
export async function ping(engine: EngineAddress, signal: AbortSignal): Promise<void> {
  const { body } = await callEngine(engine, { method: "GET", path: "/version" }, signal);
  await json(body);
}
