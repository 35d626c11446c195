import { createHash } from "node:crypto";
import { z } from "zod";
import { jsonIn } from "../lib/text.ts";
import { registryError } from "./errors.ts";
import { bytesIn, type ImageContents, type ImageManifest, READABLE, readManifest } from "./manifest.ts";
import { type ImageReference, parseReference, pinned } from "./reference.ts";
import { badLogin, denied } from "./refusals.ts";
import { type RegistryOptions, RegistrySession } from "./session.ts";
import type { RegistryResponse } from "./transport.ts";

/** What a registry says of an image that can be pulled. */
export interface ImageFacts {
  /** name@sha256:…, which always means the same image. */
  readonly pinned: string;
  /** Of the image, or of the index that it is in: what `docker pull name@digest` takes. */
  readonly digest: string;
  /** Of the image for linux/amd64. */
  readonly contents: ImageContents;
  /** What a pull of all of it has to fetch. */
  readonly compressedBytes: number;
}

/**
 * Asks the registry of an image (Docker Hub where none is named) whether it can be read with this login, by tag or by
 * digest, and how large it is. Nothing is downloaded but manifests. Throws RegistryError.
 */
export async function inspectImage(name: string, options: RegistryOptions = {}): Promise<ImageFacts> {
  const image = known(name);
  const session = new RegistrySession(image, options);
  const top = await manifest(session, image, options, image.digest ?? image.tag ?? "latest");
  const facts = { pinned: pinned(image, top.digest), digest: top.digest };
  if (top.kind === "single") return { ...facts, ...sized(top.contents) };
  if (top.amd64 === undefined) throw registryError("unusable", `${name} is not made for linux/amd64.`);
  const inner = await manifest(session, image, options, top.amd64);
  if (inner.kind !== "single") throw registryError("unexpected", `${name} is an index of an index.`);
  return { ...facts, ...sized(inner.contents) };
}

function sized(contents: ImageContents) {
  return { contents, compressedBytes: bytesIn(contents) };
}

/**
 * The digest behind a tag, or undefined when the repository has no such tag. Costs less than inspectImage: Docker Hub
 * does not count it as a pull. Throws RegistryError for everything else.
 */
export async function findDigest(name: string, options: RegistryOptions = {}): Promise<string | undefined> {
  const image = known(name);
  const session = new RegistrySession(image, options);
  const answer = await session.ask("HEAD", path(image.digest ?? image.tag ?? "latest"), READABLE);
  if (answer.status === 404) return undefined;
  requireGood(answer, image, options);
  const digest = answer.header("docker-content-digest") ?? "";
  if (!/^sha256:[0-9a-f]{64}$/.test(digest))
    throw registryError("unexpected", `The registry of ${name} names no digest.`);
  return digest;
}

function known(name: string): ImageReference {
  const image = parseReference(name);
  if (image) return image;
  throw registryError("invalid", `${JSON.stringify(name)} is no name of an image; write it like owner/name:tag.`);
}

const path = (reference: string) => `manifests/${reference}`;

/** Reads a manifest; its digest is computed here, of the received bytes. */
async function manifest(
  session: RegistrySession,
  image: ImageReference,
  options: RegistryOptions,
  reference: string,
): Promise<ImageManifest & { digest: string }> {
  const answer = await session.ask("GET", path(reference), READABLE);
  requireGood(answer, image, options);
  const digest = `sha256:${createHash("sha256").update(answer.body).digest("hex")}`;
  if (reference.startsWith("sha256:") && reference !== digest) {
    throw registryError("unexpected", `The registry of ${image.text} sent something else than ${reference}.`);
  }
  const found = readManifest(answer.body.toString("utf8"));
  if (found) return { ...found, digest };
  throw registryError(
    "unusable",
    `${image.text} has no manifest that can be read: it may be of an old kind; push it again.`,
  );
}

function requireGood(answer: RegistryResponse, image: ImageReference, { login }: RegistryOptions): void {
  const { status } = answer;
  if (status === 200) return;
  if (status === 404) throw registryError("not_found", notFound(answer, image));
  if (status !== 401 && status !== 403) {
    throw registryError("unexpected", `The registry of ${image.text} answers with status ${status}.`);
  }
  // With a token the login itself was good.
  const basic = /^basic/i.test(answer.header("www-authenticate") ?? "");
  throw login && status === 401 && basic ? badLogin(image, login) : denied(image, login);
}

const errorCodes = z.object({ errors: z.array(z.object({ code: z.string() })) });

function notFound({ body }: RegistryResponse, { registry, repository, tag, digest, text }: ImageReference): string {
  const codes = errorCodes.safeParse(jsonIn(body.toString("utf8"))).data?.errors.map(({ code }) => code) ?? [];
  if (codes.includes("NAME_UNKNOWN")) return `${registry} has no repository ${repository} (image ${text}).`;
  return `${repository} on ${registry} has no ${digest ? digest : `tag ${JSON.stringify(tag)}`} (image ${text}).`;
}
