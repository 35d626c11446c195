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
const size = z.int().nonnegative();
const single = z.object({ config: z.object({ size }), layers: z.array(z.object({ digest: z.string(), size })) });
const platform = z.object({ os: z.string(), architecture: z.string(), variant: z.string().optional() });
const index = z.object({ manifests: z.array(z.object({ digest, platform: platform.optional() })) });

/** What a pull of an image fetches, in bytes as they are stored, that is, compressed. */
export const imageContents = z
  .object({
    configBytes: size,
    /** The lowest first. One may be there more than once, or be empty. */
    layers: z.array(z.object({ digest: z.string(), bytes: size }).readonly()).readonly(),
  })
  .readonly();

export type ImageContents = z.output<typeof imageContents>;

/** Bytes of the config and all layers. */
export function bytesIn({ configBytes, layers }: ImageContents): number {
  // What is there more than once is fetched once.
  const bytes = new Map(layers.map((layer) => [layer.digest, layer.bytes]));
  return configBytes + [...bytes.values()].reduce((sum, each) => sum + each, 0);
}

/**
 * Bytes of an image that are to be fetched where another one is there. Docker goes by its layers from the lowest up, and
 * fetches all from the first one on that is not the same, so a layer in common above that one saves nothing (moby's
 * distribution/xfer/download.go).
 */
export function bytesBeside({ configBytes, layers }: ImageContents, other: ImageContents): number {
  const differs = layers.findIndex(({ digest }, at) => digest !== other.layers[at]?.digest);
  return bytesIn({ configBytes, layers: differs < 0 ? [] : layers.slice(differs) });
}

/** What a manifest says, as far as we need it. */
export type ImageManifest =
  | { readonly kind: "single"; readonly contents: ImageContents }
  | { readonly kind: "index" /** Digest of the image for linux/amd64. */; readonly amd64: string | undefined };

/** Undefined = not a readable manifest. */
export function readManifest(text: string): ImageManifest | undefined {
  const value = jsonIn(text);
  const several = index.safeParse(value);
  if (several.success) return { kind: "index", amd64: forLinux(several.data.manifests) };
  const one = single.safeParse(value);
  if (!one.success) return undefined;
  const { config, layers } = one.data;
  const named = layers.map((layer) => ({ digest: layer.digest, bytes: layer.size }));
  return { kind: "single", contents: { configBytes: config.size, layers: named } };
}

/** Prefers the plain variant to those of newer processors (v2, v3), as Docker does. */
function forLinux(manifests: z.infer<typeof index>["manifests"]): string | undefined {
  const fitting = manifests.filter(
    (entry) => entry.platform?.os === "linux" && entry.platform.architecture === "amd64",
  );
  const plain = fitting.find((entry) => [undefined, "", "v1"].includes(entry.platform?.variant));
  return (plain ?? fitting[0])?.digest;
}
