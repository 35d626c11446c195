import { bytesBeside, bytesIn, type ImageContents } from "../../registry/manifest.ts";
import { parseReference } from "../../registry/reference.ts";
import type { Standings } from "./standing.ts";

/** What is to be fetched of an image before a machine starts with it, bytes as they are stored. */
export interface Pull {
  /** All of it; null = not known. */
  readonly bytes: number | null;
  /** Where the base is that many hosts have; null = none is named, or it is not known to have layers in common. */
  readonly besideBase: number | null;
  /** On the machines that have run an image with layers in common for us; by their ids. */
  readonly onMachines: ReadonlyMap<number, number>;
}

/** An image, and the base that many hosts have; both by digest, `name@sha256:…`. */
export interface Pulled {
  /** Without a digest nothing but its size is known of it. */
  readonly image: string;
  readonly imageBytes: number | null;
  /** "" = none is named, or it could not be read. */
  readonly cachedBase: string;
}

/** What an image consists of, by its digest; undefined = not known. */
export type ContentsOf = (digest: string) => ImageContents | undefined;

/**
 * How long a machine counts as having what it ran for us, from when it was last known to have it. Vast does not say how
 * long a host keeps an image: until it needs the room, and after a week of other people's images it may have.
 */
const KEPT_MS = 7 * 86_400_000;

/** What there is to pull, as of the time of the standings. */
export function pullOf({ image, imageBytes, cachedBase }: Pulled, { all, now }: Standings, of: ContentsOf): Pull {
  const besideBase = besideOf(image, digestIn(cachedBase), of);
  const fresh = all.flatMap(({ machineId, pulled }) =>
    pulled.filter(({ at }) => now - at < KEPT_MS).map(({ digest }) => ({ machineId, digest })),
  );
  const digests = new Set(fresh.map(({ digest }) => digest));
  const left = new Map([...digests].map((digest) => [digest, besideOf(image, digest, of)]));
  const onMachines = new Map<number, number>();
  for (const { machineId, digest } of fresh) {
    const bytes = left.get(digest) ?? null;
    if (bytes !== null) onMachines.set(machineId, Math.min(bytes, onMachines.get(machineId) ?? bytes));
  }
  return { bytes: imageBytes, besideBase, onMachines };
}

/** Of an image of which nothing is known. */
export const UNKNOWN_PULL: Pull = { bytes: null, besideBase: null, onMachines: new Map() };

/** The digest of a pinned image; undefined = it is not pinned. */
export function digestIn(image: string): string | undefined {
  return parseReference(image)?.digest;
}

/** null = nothing is known to be in common. */
function besideOf(image: string, other: string | undefined, of: ContentsOf): number | null {
  const digest = digestIn(image);
  if (digest === undefined || other === undefined) return null;
  if (digest === other) return 0;
  const [own, theirs] = [of(digest), of(other)];
  if (own === undefined || theirs === undefined) return null;
  const bytes = bytesBeside(own, theirs);
  return bytes < bytesIn(own) ? bytes : null;
}
