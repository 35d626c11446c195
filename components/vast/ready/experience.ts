import { isOutbid, phaseOf } from "../client/phase.ts";
import type { Instance } from "../client/wire.ts";
import { type Happening, publicWords, type Slice } from "../ledger/line.ts";
import { digestIn } from "../ledger/pull.ts";
import type { Means } from "./means.ts";
import type { Failed } from "./ready.ts";

/** Notes in the ledger what has happened on a machine, and what it was seen to cost on demand. */
export function note(
  { ledger, prices }: Pick<Means, "ledger" | "prices">,
  slice: { readonly [Key in keyof Slice]: Slice[Key] | null },
  happening: Happening | undefined,
): void {
  const { machineId, gpus } = slice;
  if (ledger === undefined || happening === undefined || machineId === null || gpus === null) return;
  ledger.note({ machineId, gpus }, happening, prices.onDemand({ machineId, gpus }));
}

/** Notes in the ledger that one which was ready was taken away. */
export function noteLoss(means: Pick<Means, "ledger" | "prices">, instance: Instance): void {
  if (isOutbid(instance)) note(means, instance, { what: "outbid" });
}

/**
 * What a failed wait tells of the machine; undefined = nothing. A fault of the image, the registry or the account, a
 * cancel, an instance that is gone, and a stop for no known reason say nothing of it.
 *
 * @param names what others must not read: label and image
 */
export function happeningIn({ cause, text, instance }: Failed, names: readonly string[]): Happening | undefined {
  const fault = { what: "fault" as const, words: publicWords(text, names) };
  switch (cause) {
    case "host":
    case "late":
    case "terms":
      return fault;
    case "stopped":
      if (instance === undefined) return undefined;
      if (isOutbid(instance)) return { what: "outbid" };
      return phaseOf(instance).cause === "exited" ? fault : undefined;
    default:
      return undefined;
  }
}

/** An image in the host's cache is pulled in no time, and tells no speed. */
const LEAST_PULL_MS = 5_000;

/** What is noted of a machine that got ready with this image. */
export interface Readiness {
  readonly image: string;
  /** From the rental until it was ready. */
  readonly bootMs: number;
  /** null = it was not seen. */
  readonly pullMs: number | null;
  /** What it had to pull, compressed; null = not known. */
  readonly pulledBytes: number | null;
}

export function readyAfter({ image, bootMs, pullMs, pulledBytes }: Readiness): Happening {
  const boot = { what: "ready" as const, bootSeconds: Math.round(bootMs / 1000), ...pulledOf(image) };
  if (pullMs === null || pullMs < LEAST_PULL_MS || pulledBytes === null) return boot;
  return { ...boot, pullMbps: Math.round((pulledBytes * 8) / (pullMs * 1000)) };
}

/** @param since when it got ready, milliseconds since 1970 */
export function servedSince(image: string, since: number, now: number): Happening {
  return { what: "served", hours: Math.round(Math.max(now - since, 0) / 36_000) / 100, ...pulledOf(image) };
}

function pulledOf(image: string): { readonly pulled?: string } {
  const pulled = digestIn(image);
  return pulled === undefined ? {} : { pulled };
}
