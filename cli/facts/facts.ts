import type { Event } from "../../components/events/event.ts";
import type { Progress } from "../../components/remote/progress.ts";
import type { Instance } from "../../components/vast/client/wire.ts";

/** What was asked for: the answer that was last known, and why there is none now. Neither = it is not asked, or not yet. */
export interface Asked<T> {
  readonly value?: T;
  /** When `value` was true, milliseconds since 1970. */
  readonly at?: number;
  /** Why the last question has no answer. */
  readonly why?: string;
}

/** What a machine says of itself. null = it does not say. */
export interface Figures {
  /** Percent, the mean over its GPUs. */
  readonly gpuUse: number | null;
  /** All GPUs, MiB. */
  readonly gpuMemory: number | null;
  readonly gpuMemoryOf: number | null;
  /** Of /workspace, bytes. */
  readonly disk: number | null;
  readonly diskOf: number | null;
  /** Seconds since it was started. */
  readonly up: number | null;
  readonly training: "not begun" | "runs" | "ended";
  /** Of a training that has ended; null = it was cut short. */
  readonly exitCode: number | null;
  /** Seconds since the log was written to. */
  readonly logAge: number | null;
  /** The last line of the log; "" = there is none. */
  readonly line: string;
  readonly progress: Progress;
}

/** The newest checkpoint. */
export interface Saved {
  /** Printable; null = there is none. */
  readonly name: string | null;
  readonly bytes: number;
  /** All of it is home, by the sizes of its files. */
  readonly isHome: boolean;
}

/** What the market asks for such a machine. */
export interface Market {
  /** $/h, without disk; null = nobody offers it. */
  readonly onDemand: number | null;
}

/** All that status is made of. */
export interface Facts {
  readonly stack: string;
  /** Of the stack: those of its last run, and its quotes. In order of time. */
  readonly events: readonly Event[];
  /** The label of the last run; null = nothing was rented. */
  readonly run: string | null;
  /** A rental is being made: by a process that lives, or one that has ended. */
  readonly renting: "by a process" | "cut short" | "no";
  readonly instance: Asked<Instance | "gone">;
  readonly market: Asked<Market>;
  /** When Vast stops the machine, milliseconds since 1970; null = never. */
  readonly lease: Asked<number | null>;
  readonly machine: Asked<Figures>;
  readonly saved: Asked<Saved>;
}

/** What is asked for. */
export type Key = "instance" | "market" | "lease" | "machine" | "saved";
export const KEYS = ["instance", "market", "lease", "machine", "saved"] as const satisfies Key[];
