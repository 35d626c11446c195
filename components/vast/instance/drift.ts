import { perHour } from "../../lib/money.ts";
import { diskTail, phaseOf } from "../client/phase.ts";
import type { Instance } from "../client/wire.ts";
import { type InstanceOutputs, refreshed } from "./instance.outputs.ts";

/** What happened to an instance without us; no changes = it is as the state says. */
export interface Drift {
  /** Vast knows it no more, so nothing that needs it can be done. */
  readonly gone: boolean;
  readonly changes: readonly Change[];
}

/** One thing that is not as the state has it. */
export interface Change {
  /** "instance 7 answers at 203.0.113.9:41 now" */
  readonly text: string;
  /** "pulumi up --refresh follows it"; undefined = nothing is to be done. */
  readonly remedy?: string;
}

/**
 * Compares the state with what Vast says now. Pulumi itself asks Vast only with --refresh, so a run without it would
 * not notice.
 *
 * @param most the cap, $/h
 * @param now undefined = gone for certain
 */
export function driftOf(olds: InstanceOutputs, most: number, now: Instance | undefined): Drift {
  const { instanceId: id } = olds;
  if (now === undefined) {
    return { gone: true, changes: [{ text: `instance ${id} is gone at Vast`, remedy: `${REFRESH} rents a new one` }] };
  }
  const changes = [
    phaseChange(id, now),
    labelChange(olds, now),
    addressChange(olds, now),
    priceChange(olds, now, most),
  ];
  return { gone: false, changes: changes.filter((change) => change !== undefined) };
}

/** Lines for a run without --refresh: the changes that the user can do something about. */
export function plainLines({ changes }: Drift): string[] {
  return changes.flatMap(({ text, remedy }) => (remedy === undefined ? [] : [`${text}; ${remedy}`]));
}

const REFRESH = "pulumi up --refresh";

function phaseChange(id: string, now: Instance): Change | undefined {
  const { phase, text } = phaseOf(now);
  switch (phase) {
    case "ready":
      return undefined;
    case "stopped":
      return { text: `instance ${id}: ${text}${diskTail(now)}`, remedy: `${REFRESH} starts it again` };
    case "failed":
      return { text: `instance ${id}: ${text}`, remedy: "pulumi destroy ends it" };
    default:
      return { text: `instance ${id}: ${text}`, remedy: `${REFRESH} waits for it, pulumi destroy ends it` };
  }
}

function labelChange({ instanceId: id, asked }: InstanceOutputs, { label }: Instance): Change | undefined {
  if (label === asked.label) return undefined;
  const text = `instance ${id} carries the label ${label ?? "(none)"} instead of ${asked.label}`;
  return { text, remedy: `${REFRESH} sets it back` };
}

/** A stopped machine has no address, and one that comes up has it late. */
function addressChange(olds: InstanceOutputs, now: Instance): Change | undefined {
  if (phaseOf(now).phase !== "ready") return undefined;
  const { sshHost, sshPort } = refreshed(olds, now);
  if (sshHost === olds.sshHost && sshPort === olds.sshPort) return undefined;
  return { text: `instance ${olds.instanceId} answers at ${sshHost}:${sshPort} now`, remedy: `${REFRESH} follows it` };
}

function priceChange(olds: InstanceOutputs, { totalPerHour }: Instance, most: number): Change | undefined {
  const { instanceId: id, pricePerHour: before } = olds;
  if (totalPerHour === null) return undefined;
  const text = `instance ${id} costs ${perHour(totalPerHour)} now`;
  if (totalPerHour > most + NOISE) {
    return { text: `${text}, more than maxPricePerHour ${perHour(most)}`, remedy: "pulumi destroy ends it" };
  }
  return perHour(totalPerHour) === perHour(before) ? undefined : { text: `${text}, before ${perHour(before)}` };
}

/** Vast counts with more digits than the cap has, $/h. */
const NOISE = 1e-4;
