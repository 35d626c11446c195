import { isLocal } from "./registry-images.ts";
import type { ImageVerdict } from "./types.ts";

/** What an image brings. */
export interface Image {
  /** The folder of its own layer among the prepared ones. */
  readonly layer: "cot-oracle" | "pytorch";
  /** Size of the pull. */
  readonly compressedMb: number;
  /** Its lowest layers are those of this image. */
  readonly base?: string;
  /** The PATH that its Dockerfile sets: for PID 1, not for ssh sessions. */
  readonly path: string;
}

const SYSTEM = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

const cotOracle: Image = { layer: "cot-oracle", compressedMb: 15_000, path: SYSTEM };
const pytorch: Image = { layer: "pytorch", compressedMb: 6_900, path: `/opt/conda/bin:${SYSTEM}` };
const vastai: Image = { ...pytorch, compressedMb: 4_200 };
const onVastai: Image = { ...cotOracle, compressedMb: 5_100, base: "vastai/pytorch" };

const COT_ORACLE_TAGS = /^(latest|\d{4}-\d{2})$/;

const REFERENCE =
  /^(?:docker\.io\/)?(?<name>[a-z0-9]+(?:[._-]+[a-z0-9]+)*(?:\/[a-z0-9]+(?:[._-]+[a-z0-9]+)*)*)(?::(?<tag>@vastai-automatic-tag|\w[\w.-]{0,127}))?(?:@sha256:[0-9a-f]{64})?$/;

/** Undefined for an image that no registry has. */
export function imageOf(reference: string): Image | undefined {
  const { name, tag = "latest" } = REFERENCE.exec(reference)?.groups ?? {};
  if (name === "japhba/cot-oracle") return COT_ORACLE_TAGS.test(tag) ? cotOracle : undefined;
  if (name === "japhba/cot-oracle-on-vastai") return onVastai;
  if (name === "pytorch/pytorch") return pytorch;
  if (name?.startsWith("vastai/")) return vastai;
  return undefined;
}

/** Whether an image can be pulled; if not, why, in docker's words. */
export function verdictOn(reference: string): ImageVerdict {
  // Whether a local registry has the image is known only at the pull.
  if (isLocal(reference)) return { ok: true, compressedMb: 1 };
  const image = imageOf(reference);
  if (image !== undefined) return { ok: true, compressedMb: image.compressedMb, ...baseIn(image) };
  return { ok: false, statusMsg: `Error response from daemon: ${refusal(reference)}` };
}

/** For a verdict. */
export function baseIn({ base }: Partial<Image>): Pick<Image, "base"> {
  return base === undefined ? {} : { base };
}

function refusal(reference: string): string {
  if (!REFERENCE.test(reference)) return `invalid reference format: ${reference}`;
  return `manifest for ${reference} not found: manifest unknown: manifest unknown`;
}
