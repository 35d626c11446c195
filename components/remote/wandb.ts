import { perHour } from "../lib/money.ts";

/** What a training tells Weights & Biases of itself; it is no part of what training is, so that none is restarted for it. */
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

/** The most that a tag may have. */
const LENGTH = 64;

/** How many GPUs there are is not among them: that belongs to the settings of a run. */
export function wandbTags({ branch, commit, gpu, pricePerHour, machineId }: Wandb): string[] {
  const tags = { branch, commit: commit.slice(0, 12), gpu, price: perHour(pricePerHour), machine: machineId };
  return Object.entries(tags).map(([name, text]) => `${name}:${text.replaceAll(",", " ")}`.slice(0, LENGTH));
}
