import { perHour } from "../../lib/money.ts";
import { canonicalGpu } from "../market/gpu-name.ts";
import { type Asked, type CheckedInputs, hardInputs, type InstanceOutputs } from "./instance.outputs.ts";

/** What a run will do to an instance that is in the state. */
export interface Plan {
  /** Inputs that make another machine necessary. */
  readonly replaces: string[];
  readonly changes: boolean;
}

const HARD = hardInputs.keyof().options;

/**
 * What differs between the instance and what is asked for now. Hardware, image and disk of a rented machine cannot
 * change; prices, filters, keys and waits matter only for the next rental. An update resumes what is not ready.
 *
 * @param isUnknown tells inputs that are not known before the run; they change nothing, except an image that is yet to
 * be built
 */
export function planOf(
  olds: InstanceOutputs,
  news: CheckedInputs,
  isUnknown: (value: unknown) => boolean = () => false,
): Plan {
  const before: Asked = olds.asked;
  const hard = HARD.filter((key) => differs(key, before, news, isUnknown));
  // It was never ready, so it holds nothing; and it should have been released already.
  const isWreck = olds.phase === "failed" && olds.hostKey === "";
  const replaces: string[] = isWreck ? [...hard, "phase"] : hard;
  const isMarked = olds.label === before.label;
  const isReachable = isUnknown(news.apiKeyFile) || before.apiKeyFile === news.apiKeyFile;
  return { replaces, changes: replaces.length > 0 || olds.phase !== "ready" || !isMarked || !isReachable };
}

/** Which machine goes, and why. The check of the one that comes has its quote said after this. */
export function replacedText(olds: InstanceOutputs, replaces: readonly string[]): string {
  const { instanceId, gpus, gpu, pricePerHour } = olds;
  const named = replaces.filter((key) => key !== "phase");
  const what = named.length === 0 ? "it never came up" : `${named.join(", ")} changed`;
  return `instance ${instanceId} (${gpus}x ${gpu}, ${perHour(pricePerHour)}) goes (${what}); then comes:`;
}

function differs(
  key: (typeof HARD)[number],
  before: Asked,
  news: Asked,
  isUnknown: (value: unknown) => boolean,
): boolean {
  if (isUnknown(news[key])) return key === "image";
  if (key === "image" && isPinOf(news.image, before.image)) return false;
  return canonical(key, before[key]) !== canonical(key, news[key]);
}

/** Is `image` only the digest of the rented tag, whose registry did not answer then? No reason for another machine. */
function isPinOf(image: string, tagged: string): boolean {
  const [name, digest] = image.split("@");
  return digest !== undefined && !tagged.includes("@") && name === tagged.replace(/:[^:/]*$/, "");
}

function canonical(key: keyof Asked, value: string | number): string | number {
  if (key === "gpu")
    return (
      canonicalGpu(String(value)) ??
      String(value)
        .toLowerCase()
        .replace(/[^a-z0-9]/g, "")
    );
  if (key === "apiUrl") return String(value).replace(/\/$/, "") || "https://console.vast.ai";
  return value;
}
