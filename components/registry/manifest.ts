import { z } from "zod";
import { jsonIn } from "../lib/text.ts";

/** Media types that we can read: a single image, or an index of images for several platforms. */
const SINGLE = [
  "application/vnd.oci.image.manifest.v1+json",
  "application/vnd.docker.distribution.manifest.v2+json",
] as const;
const INDEX = [
  "application/vnd.oci.image.index.v1+json",
  "application/vnd.docker.distribution.manifest.list.v2+json",
] as const;

/** For the header Accept. */
export const READABLE = [...SINGLE, ...INDEX].join(", ");

const digest = z.string().regex(/^sha256:[0-9a-f]{64}$/);
const blob = z.object({ size: z.number().int().nonnegative() });
const single = z.object({ config: blob, layers: z.array(blob) });
const platform = z.object({ os: z.string(), architecture: z.string(), variant: z.string().optional() });
const index = z.object({ manifests: z.array(z.object({ digest, platform: platform.optional() })) });

/** What a manifest says, as far as we need it. */
export type ImageManifest =
  | { readonly kind: "single" /** Of the config and all layers, compressed. */; readonly bytes: number }
  | { readonly kind: "index" /** Digest of the image for linux/amd64. */; readonly amd64: string | undefined };

/** Undefined = not a readable manifest. */
export function readManifest(text: string): ImageManifest | undefined {
  const value = jsonIn(text);
  const several = index.safeParse(value);
  if (several.success) return { kind: "index", amd64: forLinux(several.data.manifests) };
  const one = single.safeParse(value);
  if (!one.success) return undefined;
  const blobs = [one.data.config, ...one.data.layers];
  return { kind: "single", bytes: blobs.reduce((sum, { size }) => sum + size, 0) };
}

/** Prefers the plain variant to those of newer processors (v2, v3), as Docker does. */
function forLinux(manifests: z.infer<typeof index>["manifests"]): string | undefined {
  const fitting = manifests.filter(
    (entry) => entry.platform?.os === "linux" && entry.platform.architecture === "amd64",
  );
  const plain = fitting.find((entry) => [undefined, "", "v1"].includes(entry.platform?.variant));
  return (plain ?? fitting[0])?.digest;
}
