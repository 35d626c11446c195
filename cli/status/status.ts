import { billOf, rentalsIn } from "../../components/events/bill.ts";
import { rateOf } from "../../components/vast/client/phase.ts";
import { type Facts, KEYS, type Key } from "../facts/facts.ts";
import { type Next, nextOf } from "./next.ts";
import { type Stand, standOf } from "./phase.ts";

/**
 * The status of a run, as `--json` prints it: numbers or null, never a text for a number; null = not known. Times are
 * milliseconds since 1970, sizes bytes, prices $/h.
 */
export interface Status {
  readonly stack: string;
  /** The label under which it was rented. */
  readonly run: string | null;
  readonly instance: number | null;
  readonly phase: Stand["phase"];
  readonly phaseAt: number | null;
  readonly phaseText: string;
  readonly exitCode: number | null;
  /** "2x H100 SXM" */
  readonly gpu: string | null;
  /** Percent. */
  readonly gpuUse: number | null;
  readonly gpuMemoryBytes: number | null;
  readonly gpuMemoryOfBytes: number | null;
  readonly diskBytes: number | null;
  readonly diskOfBytes: number | null;
  readonly upSeconds: number | null;
  /** So far, over all machines of the run. */
  readonly dollars: number | null;
  /** It costs more than `dollars`, because some price is not known. */
  readonly isLeast: boolean;
  readonly perHour: number | null;
  /** null also where nothing is bid. */
  readonly bidPerHour: number | null;
  /** The smallest bid that keeps it. */
  readonly marketPerHour: number | null;
  readonly onDemandPerHour: number | null;
  /** When Vast stops it; null also where it never does. */
  readonly leaseEndsAt: number | null;
  readonly logLine: string | null;
  /** Of that line. */
  readonly logAgeSeconds: number | null;
  readonly step: number | null;
  readonly steps: number | null;
  readonly stepsPerSecond: number | null;
  readonly epoch: number | null;
  readonly loss: number | null;
  readonly checkpoint: string | null;
  readonly checkpointBytes: number | null;
  readonly checkpointIsHome: boolean | null;
  /** The folder here. */
  readonly home: string | null;
  /** When each was last known, and why it is not known now. */
  readonly asked: Readonly<Record<Key, { readonly at: number | null; readonly why: string | null }>>;
  readonly next: readonly Next[];
}

const OVER: readonly Stand["phase"][] = ["released", "gone"];
const NOTHING = { instance: {}, market: {}, lease: {}, machine: {} };

const MIB = 1024 * 1024;

/** What is known of a run. @param now milliseconds since 1970 */
export function statusOf(known: Facts, now: number): Status {
  const { phase, at, text, exitCode } = standOf(known);
  // What was seen of a machine that is over says nothing any more.
  const isOver = OVER.includes(phase);
  const facts: Facts = isOver ? { ...known, ...NOTHING } : known;
  const { stack, run, events } = facts;
  const figures = facts.machine.value;
  const { progress = {} } = figures ?? {};
  return {
    ...{
      stack,
      run: run ?? labelOf(facts),
      instance: instanceOf(facts),
      phase,
      phaseAt: at,
      phaseText: text,
      exitCode,
    },
    gpu: gpuOf(facts),
    gpuUse: figures?.gpuUse ?? null,
    gpuMemoryBytes: bytes(figures?.gpuMemory),
    gpuMemoryOfBytes: bytes(figures?.gpuMemoryOf),
    diskBytes: figures?.disk ?? null,
    diskOfBytes: figures?.diskOf ?? null,
    upSeconds: figures?.up ?? null,
    ...moneyOf(facts, now),
    ...(isOver ? { perHour: 0 } : {}),
    leaseEndsAt: facts.lease.value ?? null,
    logLine: figures?.line || null,
    logAgeSeconds: logAgeOf(facts, now),
    step: progress.step ?? null,
    steps: progress.of ?? null,
    stepsPerSecond: progress.stepsPerSecond ?? null,
    epoch: progress.epoch ?? null,
    loss: progress.loss ?? null,
    checkpoint: facts.saved.value?.name ?? null,
    checkpointBytes: facts.saved.value?.name == null ? null : facts.saved.value.bytes,
    checkpointIsHome: facts.saved.value?.name == null ? null : facts.saved.value.isHome,
    home: events.findLast((event) => event.run === run && event.home !== undefined)?.home ?? null,
    asked: askedOf(facts),
    next: nextOf({ phase, exitCode }, stack),
  };
}

function labelOf({ instance: { value } }: Facts): string | null {
  return value === undefined || value === "gone" ? null : value.label;
}

function instanceOf({ events, run, instance: { value } }: Facts): number | null {
  if (value !== undefined && value !== "gone") return value.id;
  return rentalsIn(events.filter((event) => event.run === run)).at(-1)?.instance ?? null;
}

function gpuOf({ events, instance: { value } }: Facts): string | null {
  if (value !== undefined && value !== "gone" && value.gpu !== null) return `${value.gpus ?? "?"}x ${value.gpu}`;
  return events.findLast(({ gpu }) => gpu !== undefined)?.gpu ?? null;
}

/** How old the line is by now; the log may have grown since the machine was asked. */
function logAgeOf({ machine: { value, at = 0 } }: Facts, now: number): number | null {
  return value === undefined || value.logAge === null ? null : value.logAge + Math.max(now - at, 0) / 1000;
}

function bytes(mebibytes: number | null | undefined): number | null {
  return mebibytes == null ? null : mebibytes * MIB;
}

/** What it costs is computed from the log; without one only what Vast asks now is known. */
function moneyOf({ events, run, instance, market }: Facts, now: number) {
  const own = events.filter((event) => event.run === run);
  const bill = own.length === 0 ? undefined : billOf(own, now);
  const row = instance.value === "gone" ? undefined : instance.value;
  return {
    dollars: bill?.total ?? null,
    isLeast: bill?.isLeast ?? false,
    perHour: (row && rateOf(row)) ?? bill?.perHour ?? null,
    bidPerHour: row?.isBid === true ? row.gpuPerHour : null,
    marketPerHour: row?.isBid === true ? row.minBid : null,
    onDemandPerHour: market.value?.onDemand ?? null,
  };
}

function askedOf(facts: Facts): Status["asked"] {
  const one = (key: Key) => [key, { at: facts[key].at ?? null, why: facts[key].why ?? null }] as const;
  return Object.fromEntries(KEYS.map(one)) as Status["asked"];
}
