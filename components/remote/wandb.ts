import { perHour } from "../lib/money.ts";

/**
 * What a training reports about itself to Weights & Biases. It is no part of the training hash, so a change restarts
 * nothing.
 */
export interface Wandb {
  readonly runId: string;
  readonly branch: string;
  readonly commit: string;
  readonly gpu: string;
  /** $/h as rented. */
  readonly pricePerHour: number;
  readonly machineId: string;
}

/** The values of environment.sh. */
export function wandbValues(wandb: Wandb | undefined) {
  return { WANDB_RUN_ID: wandb?.runId ?? "", WANDB_TAGS: wandb === undefined ? "" : wandbTags(wandb).join(",") };
}

/** The longest tag that wandb takes, characters. */
const LENGTH = 64;

/** The number of GPUs is not a tag: it is in the settings of the run. */
export function wandbTags({ branch, commit, gpu, pricePerHour, machineId }: Wandb): string[] {
  const tags = { branch, commit: commit.slice(0, 12), gpu, price: perHour(pricePerHour), machine: machineId };
  return Object.entries(tags).map(([name, text]) => `${name}:${text.replaceAll(",", " ")}`.slice(0, LENGTH));
}
