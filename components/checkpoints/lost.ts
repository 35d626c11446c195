import type { Traces } from "../vast/ready/traces.ts";

/** What is known of earlier training on a machine. */
export interface KnownTraces {
  readonly workspace: string;
  /** Folder of checkpoints on the machine. */
  readonly from: string;
  /** A step of ours has begun for certain. */
  readonly begun: boolean;
  /** Files of this machine that were fetched before. */
  readonly fetched: number;
}

/** What was there before and is not any more, one clause; undefined = nothing is missing. */
export function whyLost(traces: Traces, { workspace, from, begun, fetched }: KnownTraces): string | undefined {
  const lost = "its disk was wiped, or is not mounted";
  if (begun && !traces.kept) return `${workspace}/.vast-training, which the first step has made, is not there: ${lost}`;
  if (traces.trained && !traces.folder) return `${from}, in which training was to save, is not there: ${lost}`;
  if (traces.files) return undefined;
  if (traces.saved) return `training has saved in ${from}, and nothing is there any more: ${lost}`;
  if (!begun && fetched > 0) return `files were fetched from ${from} before, and nothing is there any more: ${lost}`;
  return undefined;
}
