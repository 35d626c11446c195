import { readFileSync } from "node:fs";
import { join } from "node:path";
import { jsonIn } from "../lib/text.ts";
import { isRegistryError } from "./errors.ts";
import { bytesIn, type ImageContents, imageContents } from "./manifest.ts";
import { writeNote } from "./notes.ts";
import { parseReference, pinned } from "./reference.ts";
import type { RegistryLogin } from "./refusals.ts";
import { findDigest, inspectImage } from "./registry.ts";
import type { RegistryOptions } from "./session.ts";

/** An image that a machine can pull. */
export interface FoundImage {
  /** What to rent with: name@sha256:… */
  readonly pinned: string;
  /** Size of the pull; null = not known. */
  readonly compressedBytes: number | null;
  /** It can only be pulled with a login. */
  readonly isPrivate: boolean;
}

export interface Access {
  /** Used only where a pull without a login is refused. */
  readonly login: RegistryLogin | undefined;
  /** What images consist of is kept here by digest, because a registry counts each read of a manifest as a pull. */
  readonly folder: string;
  readonly options?: Omit<RegistryOptions, "login">;
}

/** Finds an image as a machine would pull it: without a login if that works, else with it. Throws RegistryError. */
export async function findImage(name: string, { login, folder, options = {} }: Access): Promise<FoundImage> {
  try {
    return { ...(await look(name, folder, options)), isPrivate: false };
  } catch (error) {
    if (login === undefined || !isRegistryError(error, "denied", "rate_limited")) throw error;
    // A refusal comes before requests are counted: whatever is limited is public.
    return { ...(await look(name, folder, { ...options, login })), isPrivate: isRegistryError(error, "denied") };
  }
}

async function look(name: string, folder: string, options: RegistryOptions): Promise<Omit<FoundImage, "isPrivate">> {
  const digest = await findDigest(name, options);
  const image = parseReference(name);
  const known = digest === undefined ? undefined : knownContents(folder, digest);
  if (image && digest !== undefined && known !== undefined) {
    return { pinned: pinned(image, digest), compressedBytes: bytesIn(known) };
  }
  const facts = await inspectImage(name, options);
  writeNote(contentsFile(folder, facts.digest), `${JSON.stringify(facts.contents)}\n`);
  return { pinned: facts.pinned, compressedBytes: facts.compressedBytes };
}

/** What an image consists of, by its digest or that of its index; undefined = it was not looked for from here yet. */
export function knownContents(folder: string, digest: string): ImageContents | undefined {
  try {
    return imageContents.safeParse(jsonIn(readFileSync(contentsFile(folder, digest), "utf8"))).data;
  } catch {
    return undefined;
  }
}

function contentsFile(folder: string, digest: string): string {
  return join(folder, `${digest.replace("sha256:", "")}.layers`);
}
