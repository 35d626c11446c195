import type { Instance } from "./wire.ts";

/** Where an instance stands. */
export type PhaseName =
  | "pending" // on its way up
  | "ready" // the container runs; ports and sshd may still be missing
  | "stopped" // it was up, or never got hardware; storage is billed
  | "failed" // it will not come up
  | "unknown" // the host has stopped reporting; may come back
  | "offline" // the host is disconnected
  | "gone"; // Vast knows no such instance

export type PhaseCause =
  | "image" // the image cannot be had: no host will do better
  | "host" // this host cannot do it: take another
  | "outbid" // an interruptible instance was stopped: outbid, displaced, or stopped by the host
  | "stopped" // stopped by us, by the platform or by the host
  | "queued" // a start that waits for free hardware, perhaps for ever
  | "exited" // the container ended by itself
  | "frozen"; // paused with its memory kept; the GPU is billed

export interface Phase {
  readonly phase: PhaseName;
  readonly cause?: PhaseCause;
  /** One printable line for the progress row: "2/6 image pull". */
  readonly text: string;
}

/** Reads Vast's four status words and its message. undefined = Vast knows no such instance. */
export declare function phaseOf(instance: Instance | undefined): Phase;
