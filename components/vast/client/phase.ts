import { perHour } from "../../lib/money.ts";
import { imageTroubleIn, imageTroubleText } from "./image-trouble.ts";
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

/** "2/6 image pull" */
export function stepText(step: (typeof STEPS)[number]): string {
  return `${STEPS.indexOf(step) + 1}/${STEPS.length} ${step}`;
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
  return { phase: "ready", text: stepText(instance.directPort === null ? "ssh endpoint" : "ssh login") };
}

/**
 * Vast itself sets the wanted state to stopped when it takes an instance away, so the four words of an outbid instance
 * and of one that its owner stopped are the same.
 */
function isToldToStop({ intendedStatus, nextState }: Instance): boolean {
  return intendedStatus === "stopped" && nextState !== "running";
}

function down(instance: Instance): Phase {
  if (isToldToStop(instance)) return stopped(instance);
  const fatal = fatalPhase(instance);
  if (fatal !== undefined) return fatal;
  if (instance.curState === "stopped") {
    return { phase: "stopped", cause: "queued", text: "waiting for free hardware, perhaps for ever" };
  }
  // The words of the pull and of the start stay, and explain nothing.
  const why = /pulling|pull complete|already exists|success, running/i.test(instance.statusMsg)
    ? ""
    : instance.statusMsg;
  return { phase: "stopped", cause: "exited", text: `the container has exited${said(why)}` };
}

function stopped(instance: Instance): Phase {
  if (instance.isBid !== true) return { phase: "stopped", cause: "stopped", text: "stopped" };
  return { phase: "stopped", cause: "outbid", text: `stopped: ${whyLost(instance)}` };
}

/** The four words are the same whoever stopped it; the price of the day tells a little more. */
function whyLost({ minBid, gpuPerHour }: Instance): string {
  if (minBid === null || gpuPerHour === null) return "outbid or displaced";
  if (minBid > gpuPerHour) return `outbid, its GPUs take ${perHour(minBid)} now and ${perHour(gpuPerHour)} is bid`;
  return "displaced by a rental on demand, by its host, for lack of credit, or by itself after training";
}

function comingUp(instance: Instance): Phase {
  const fatal = fatalPhase(instance);
  if (fatal !== undefined) return fatal;
  if (instance.curState === "stopped" && isToldToStop(instance)) {
    return { phase: "failed", cause: "host", text: "it never got its hardware" };
  }
  return { phase: "pending", text: pendingText(instance.actualStatus) };
}

function pendingText(actualStatus: string | null): string {
  switch (actualStatus) {
    case null:
      return stepText("waiting for the host");
    case "loading":
      return stepText("image pull");
    case "created":
      return stepText("container start");
    case "scheduling":
      return `${stepText("waiting for the host")}: scheduling, may last for ever`;
    default:
      return `${stepText("container start")}: ${actualStatus}`;
  }
}

// What Docker and Vast's daemon say when an instance will stay where it is. They say it once and never report an end.
const HOST_FAILS =
  /error response from daemon|failed to resolve reference|failed to register layer|unexpected eof|no space left on device|failed to pull image|oci runtime create failed|error writing dockerfile/i;

function fatalPhase({ image, statusMsg }: Instance): Phase | undefined {
  const trouble = imageTroubleIn(statusMsg);
  if (trouble !== undefined) {
    const cause = trouble === "limited" ? "limited" : "image";
    return { phase: "failed", cause, text: imageTroubleText(image, statusMsg) };
  }
  if (!HOST_FAILS.test(statusMsg)) return undefined;
  return { phase: "failed", cause: "host", text: `its host cannot start it${said(statusMsg)}` };
}

function said(message: string): string {
  return message === "" ? "" : `: ${message}`;
}

/** Vast is already taking it down. */
export function isLeaving({ curState }: Instance): boolean {
  return curState === "unloaded";
}

/** What it costs now, $/h: one that is stopped keeps its disk only. null = Vast does not say. */
export function rateOf(instance: Instance): number | null {
  const { phase, cause } = phaseOf(instance);
  const keepsDiskOnly = phase === "stopped" && cause !== "frozen";
  return keepsDiskOnly ? (instance.diskPerHour ?? instance.totalPerHour) : instance.totalPerHour;
}
