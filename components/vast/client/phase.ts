import { perHour } from "../../lib/money.ts";
import { printable } from "../../lib/text.ts";
import { type Complaint, complaintIn, imageTroubleText, wordsOf } from "./status-words.ts";
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
  | "limited" // the image's registry wants fewer pulls: another host may still have some
  | "host" // this host cannot do it: take another
  | "outbid" // an interruptible instance was stopped: outbid, displaced, or stopped by the host
  | "stopped" // stopped by us, by the platform or by the host
  | "queued" // a start that waits for free hardware, perhaps for ever
  | "exited" // the container ended by itself, or has not begun again yet
  | "frozen"; // paused with its memory kept; the GPU is billed

export interface Phase {
  readonly phase: PhaseName;
  readonly cause?: PhaseCause;
  /** One printable line for the progress row: "2/6 image pull". */
  readonly text: string;
  /** How far it is on its way up. */
  readonly step?: Step;
  /** An error that its host reports, and of which nobody knows whether it stays: one printable line. */
  readonly complaint?: string;
}

/** The way up, as the progress row counts it. The last three are seen by ssh, not by status words. */
export const STEPS = [
  "waiting for the host",
  "image pull",
  "container start",
  "ssh endpoint",
  "ssh login",
  "set-up",
] as const;

export type Step = (typeof STEPS)[number];

/** "2/6 image pull" @param reached the step that was reached before; the count does not go back behind it */
export function stepText(step: Step, reached: Step = step): string {
  return `${STEPS.indexOf(further(step, reached)) + 1}/${STEPS.length} ${step}`;
}

/** The later one of two. */
export function further(one: Step, other: Step): Step {
  return STEPS.indexOf(one) > STEPS.indexOf(other) ? one : other;
}

/** Reads Vast's four status words and its message. undefined = Vast knows no such instance. */
export function phaseOf(instance: Instance | undefined): Phase {
  if (instance === undefined) return { phase: "gone", text: "gone" };
  switch (instance.actualStatus) {
    case "running":
      return running(instance);
    case "unknown":
      return { phase: "unknown", text: "the host has stopped reporting" };
    case "offline":
      return { phase: "offline", text: "the host is offline" };
    case "exited":
    case "stopped":
      return down(instance);
    case "frozen":
      return { phase: "stopped", cause: "frozen", text: "frozen; the GPU is billed" };
    default:
      return comingUp(instance);
  }
}

function running(instance: Instance): Phase {
  // A message of an earlier phase may still stand there, so it is not read here.
  if (isToldToStop(instance)) return { ...stopped(instance), text: "stopping" };
  const step = instance.directPort === null ? "ssh endpoint" : "ssh login";
  return { phase: "ready", step, text: stepText(step) };
}

/**
 * Vast itself sets the wanted state to stopped when it takes an instance away, so an outbid instance shows the same
 * four words as one that its owner stopped.
 */
function isToldToStop({ intendedStatus, nextState }: Instance): boolean {
  return intendedStatus === "stopped" && nextState !== "running";
}

function down(instance: Instance): Phase {
  if (isToldToStop(instance)) return stopped(instance);
  const fatal = fatalPhase(instance, complaintIn(instance.statusMsg));
  if (fatal !== undefined) return fatal;
  if (instance.curState === "stopped") {
    return { phase: "stopped", cause: "queued", text: "waiting for free hardware, perhaps for ever" };
  }
  return { phase: "stopped", cause: "exited", text: `the container has exited${explained(instance)}` };
}

function stopped(instance: Instance): Phase {
  const why = explained(instance);
  if (instance.isBid !== true) return { phase: "stopped", cause: "stopped", text: `stopped${why}` };
  return {
    phase: "stopped",
    cause: "outbid",
    text: `stopped: ${whyLost(instance)}${why === "" ? "" : `; Vast says${why}`}`,
  };
}

/** The status words are the same whoever stopped it; today's price tells a little more. */
function whyLost(instance: Instance): string {
  const { minBid, gpuPerHour } = instance;
  if (minBid === null || gpuPerHour === null) return "outbid or displaced";
  if (costsMore(instance)) return `outbid, its GPUs take ${perHour(minBid)} now and ${perHour(gpuPerHour)} is bid`;
  return "displaced by a rental on demand, by its host, for lack of credit, or by itself after training";
}

/** Its GPUs cost more than what is bid. */
function costsMore({ minBid, gpuPerHour }: Instance): boolean {
  return minBid !== null && gpuPerHour !== null && minBid > gpuPerHour;
}

/** Was it stopped because somebody bids more? Judged by today's price; false when Vast does not tell it. */
export function isOutbid(instance: Instance): boolean {
  return phaseOf(instance).cause === "outbid" && costsMore(instance);
}

function comingUp(instance: Instance): Phase {
  const complaint = complaintIn(instance.statusMsg);
  const fatal = fatalPhase(instance, complaint);
  if (fatal !== undefined) return fatal;
  if (instance.curState === "stopped" && isToldToStop(instance)) {
    return { phase: "failed", cause: "host", text: "it never got its hardware" };
  }
  const { step, more } = wayUp(instance);
  const text = stepText(step) + said(more);
  return { phase: "pending", step, text, ...(complaint && { complaint: printable(complaint.line) }) };
}

function wayUp({ actualStatus, statusMsg }: Instance): { readonly step: Step; readonly more: string } {
  switch (actualStatus) {
    case null:
      return { step: "waiting for the host", more: "" };
    case "loading":
      return { step: "image pull", more: "" };
    case "created":
      // Before the pull as well as after it, which leaves its words there.
      return { step: statusMsg === "" ? "waiting for the host" : "container start", more: "" };
    case "scheduling":
      return { step: "waiting for the host", more: "scheduling, may last for ever" };
    default:
      return { step: "container start", more: actualStatus };
  }
}

function fatalPhase({ image, statusMsg }: Instance, complaint: Complaint | undefined): Phase | undefined {
  if (complaint === undefined || complaint.about === "unknown") return undefined;
  // What decides is shown, also where the whole is too long.
  const words = printable(statusMsg.length > SHOWN ? complaint.line : statusMsg, SHOWN);
  const { about } = complaint;
  if (about === "host") return { phase: "failed", cause: "host", text: `its host cannot start it${said(words)}` };
  return {
    phase: "failed",
    cause: about === "limited" ? "limited" : "image",
    text: imageTroubleText(image, about, words),
  };
}

const SHOWN = 300;

/** Vast's own message. Words that the pull or the start has left explain nothing. */
function explained({ statusMsg }: Instance): string {
  return said(printable(wordsOf(statusMsg)));
}

function said(words: string): string {
  return words === "" ? "" : `: ${words}`;
}

/** Vast is already taking it down. */
export function isLeaving({ curState }: Instance): boolean {
  return curState === "unloaded";
}

/** Is only its disk billed? A frozen one bills its GPU, and its processes go on. */
export function isDown(instance: Instance): boolean {
  const { phase, cause } = phaseOf(instance);
  return phase === "stopped" && cause !== "frozen";
}

/** What a stopped instance goes on costing, a clause. */
export function diskText({ diskPerHour }: Instance): string {
  return diskPerHour === null ? "its disk goes on billing" : `its disk goes on costing ${perHour(diskPerHour)}`;
}

/** The same as the tail of a sentence; "" while more than its disk is billed. */
export function diskTail(instance: Instance): string {
  return isDown(instance) ? `, and ${diskText(instance)}` : "";
}

/** What it costs now, $/h: one that is stopped keeps its disk only. null = Vast does not say. */
export function rateOf(instance: Instance): number | null {
  return isDown(instance) ? (instance.diskPerHour ?? instance.totalPerHour) : instance.totalPerHour;
}
