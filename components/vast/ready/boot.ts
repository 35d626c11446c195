import { VISIBLE_MS } from "../client/instance-list.ts";
import { type Phase, phaseOf, type Step, stepText } from "../client/phase.ts";
import type { Instance } from "../client/wire.ts";
import { endpoints } from "./endpoints.ts";

/** What a look at an instance that comes up means. */
export type Verdict =
  | { readonly next: "wait"; readonly text: string; readonly step?: Step }
  | { readonly next: "login" }
  | { readonly next: "end"; readonly cause: EndCause; readonly text: string };

export type EndCause =
  | "image" // the image cannot be had: no machine will do better
  | "limited" // the image's registry wants fewer pulls: another machine may do better once
  | "host" // this machine cannot do it
  | "stopped" // it lost its GPUs, or never got them
  | "gone"; // Vast knows no such instance any more

export interface BootOptions {
  /** When it was rented or started, milliseconds. */
  readonly since: number;
  /** How long a stopped state may last: long after a start, short after a rental. */
  readonly stoppedMs: number;
}

/** Looks in a row that must show stopped or exited: machines that came up showed both for a moment. */
const STRIKES = 3;
/** A container that has ended while its GPUs are kept may be started again by its host. */
const EXITED_MS = 20_000;
/** Hosts report within seconds, slow ones within minutes; only the disk is billed meanwhile. */
const REPORT_MS = 600_000;
/** An unknown error may pass; after this long it counts. */
const COMPLAINT_MS = 300_000;
/** How long a host may be silent: one that Vast calls offline was silent for minutes already. */
const SILENT_MS = { unknown: 300_000, offline: 120_000 };
/** Ports are published within half a minute, some a minute. */
const ENDPOINT_MS = 180_000;
/** Without a direct port for this long the relay will do: the port may never come. */
const DIRECT_MS = 4_000;

/** Judges what Vast shows of an instance that comes up, look by look. */
export class BootWatch {
  readonly #options: BootOptions;
  #seen = false;
  #name = "";
  /** When the present phase began. */
  #began: number;
  #looks = 0;
  #complaint: string | undefined;
  /** When the present complaint was seen first. */
  #complainedAt = 0;

  constructor(options: BootOptions) {
    this.#options = options;
    this.#began = options.since;
  }

  /** @param instance undefined = neither the list nor the single view has it */
  judge(instance: Instance | undefined, now: number): Verdict {
    if (instance === undefined) return this.#unseen(now);
    this.#seen = true;
    const phase = phaseOf(instance);
    this.#note(`${phase.phase} ${phase.cause ?? ""}`, now);
    this.#hear(phase.complaint, now);
    switch (phase.phase) {
      case "ready":
        return this.#running(instance, phase, now);
      case "failed":
        return end(phase.cause === "image" || phase.cause === "limited" ? phase.cause : "host", phase.text);
      case "stopped":
        return this.#stopped(phase, now);
      case "unknown":
      case "offline":
        return this.#lasts(now) > SILENT_MS[phase.phase]
          ? end("host", `${phase.text}, for ${minutes(this.#lasts(now))} now`)
          : wait(phase.text);
      default:
        return this.#pending(instance, phase, now);
    }
  }

  /** Was it ever seen? Then "no such instance" means gone. */
  get seen(): boolean {
    return this.#seen;
  }

  #note(name: string, now: number): void {
    this.#looks = name === this.#name ? this.#looks + 1 : 1;
    if (name !== this.#name) this.#began = now;
    this.#name = name;
  }

  #hear(complaint: string | undefined, now: number): void {
    if (complaint !== this.#complaint) this.#complainedAt = now;
    this.#complaint = complaint;
  }

  #lasts(now: number): number {
    return now - this.#began;
  }

  #unseen(now: number): Verdict {
    const mayAppear = !this.#seen && now - this.#options.since < 4 * VISIBLE_MS;
    return mayAppear
      ? wait(stepText("waiting for the host"), "waiting for the host")
      : end("gone", "Vast knows no such instance any more");
  }

  /** A healthy pull may show the same words for half an hour, so only the whole wait ends it. */
  #pending({ actualStatus }: Instance, phase: Phase, now: number): Verdict {
    const { step, text, complaint } = phase;
    if (complaint !== undefined) {
      const stands = now - this.#complainedAt;
      if (stands >= COMPLAINT_MS) return end("host", `its host has said for ${minutes(stands)}: ${complaint}`);
      return wait(`${text}: ${complaint}`, step);
    }
    const waited = now - this.#options.since;
    return actualStatus === null && waited > REPORT_MS
      ? end("host", `its host has not begun within ${minutes(waited)}`)
      : wait(text, step);
  }

  #running(instance: Instance, phase: Phase, now: number): Verdict {
    const { direct, proxy } = endpoints(instance);
    const waited = this.#lasts(now);
    if (direct !== undefined || (proxy !== undefined && waited >= DIRECT_MS)) return { next: "login" };
    return waited > ENDPOINT_MS
      ? end("host", `it published no way in by ssh within ${minutes(waited)}`)
      : wait(phase.text, phase.step);
  }

  #stopped(phase: Phase, now: number): Verdict {
    const patience = Math.max(this.#options.stoppedMs, phase.cause === "exited" ? EXITED_MS : 0);
    const isOver = this.#looks >= STRIKES && this.#lasts(now) >= patience;
    return isOver ? end("stopped", phase.text) : wait(phase.text);
  }
}

/** "5 minutes" */
export function minutes(milliseconds: number): string {
  const count = Math.max(1, Math.round(milliseconds / 60_000));
  return `${count} ${count === 1 ? "minute" : "minutes"}`;
}

function wait(text: string, step?: Step): Verdict {
  return { next: "wait", text, ...(step && { step }) };
}

function end(cause: EndCause, text: string): Verdict {
  return { next: "end", cause, text };
}
