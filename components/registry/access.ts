import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { isRegistryError } from "./errors.ts";
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
  /** Sizes by digest are kept here, because a registry counts each read of a manifest as a pull. */
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
  const known = digest === undefined ? undefined : rememberedSize(folder, digest);
  if (image && digest !== undefined && known !== undefined) {
    return { pinned: pinned(image, digest), compressedBytes: known };
  }
  const facts = await inspectImage(name, options);
  writeNote(sizeFile(folder, facts.digest), `${facts.compressedBytes}\n`);
  return { pinned: facts.pinned, compressedBytes: facts.compressedBytes };
}

function rememberedSize(folder: string, digest: string): number | undefined {
  const file = sizeFile(folder, digest);
  const size = existsSync(file) ? Number(readFileSync(file, "utf8")) : Number.NaN;
  return size > 0 ? size : undefined;
}

function sizeFile(folder: string, digest: string): string {
  return join(folder, `${digest.replace("sha256:", "")}.size`);
}
